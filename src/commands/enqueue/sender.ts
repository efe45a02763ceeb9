import type { Client } from "../../core/client/client.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { Middleware } from "../../core/task/define-middleware.ts"
import { clientOf, openSender, openStores, systemClock } from "../../stem.ts"
import type { Shell } from "../shell/command.ts"
import { configured } from "../shell/stores.ts"

/** What a command that sends tasks is given. */
export interface Sender {
  readonly client: Client
  readonly clock: Clock
}

/**
 * Opens the store, or with a spool whatever of the two can be used, and closes it however the work ends. That tasks
 * were kept is said once, when the first ones are.
 */
export async function withSender<T>(
  shell: Shell,
  flags: Readonly<Record<string, unknown>>,
  work: (sender: Sender) => Promise<T>,
  middleware?: readonly Middleware[],
): Promise<T> {
  const { config } = await configured(shell, flags)
  const client = config.spool.on
    ? await openKeeping()
    : clientOf(await openStores(config), config.routing, { middleware })
  try {
    return await work({ client, clock: systemClock })
  } finally {
    await client.close()
  }

  function openKeeping() {
    let told = false
    return openSender(config, {
      middleware,
      kept(_envelopes, { message }) {
        if (told) return
        told = true
        shell.talk.warn(`${message}; kept in ${config.spool.path}`, {
          hint: "stem spool flush delivers it when the store is back, and so does a worker with --spool.",
        })
      },
    })
  }
}
