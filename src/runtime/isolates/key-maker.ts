import type { LimitKeyAsk, LimitKeys } from "../../core/contracts/isolates.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import { within } from "../../core/kit/deadline.ts"
import type { Isolate } from "./isolate-handle.ts"

/** How long a batch may take; then each key for itself. */
const BATCH_WITHIN: Millis = 1000
const ONE_WITHIN: Millis = 500

/** Makes keys of limits in an isolate of its own, which no handler keeps waiting, and which is started when it is needed. */
export interface KeyMaker {
  make(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]>
  /** The modules are to be read anew; resolves when that is done, where they are `needed` at once. */
  renew(needed: boolean): Promise<void>
}

/** A function that does not come to an end is killed with its process, and fails its own task alone. */
export function createKeyMaker({ launch, clock }: { launch(): Isolate; clock: Clock }): KeyMaker {
  let isolate: Isolate | undefined

  function current(): Isolate {
    const started = isolate ?? launch()
    isolate = started
    void started.gone.then(() => {
      if (isolate === started) isolate = undefined
    })
    return started
  }

  function drop(): void {
    isolate?.kill()
    isolate = undefined
  }

  /** Undefined when it did not answer in time, or died of it: then it is gone. */
  async function tryMake(
    asks: readonly LimitKeyAsk[],
    ms: Millis,
  ): Promise<readonly LimitKeys[] | undefined> {
    const one = current()
    await one.ready
    const made = await within(clock, ms, () => one.makeKeys(asks).catch(() => undefined))
    if (!made) drop()
    return made
  }

  async function eachAlone(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]> {
    const made: LimitKeys[] = []
    for (const ask of asks) made.push((await tryMake([ask], ONE_WITHIN))?.[0] ?? NO_KEY)
    return made
  }

  return {
    make: async (asks) => (await tryMake(asks, BATCH_WITHIN)) ?? eachAlone(asks),
    async renew(needed) {
      drop()
      if (needed) await current().ready
    },
  }
}

const NO_KEY: LimitKeys = {
  error: {
    name: "LimitKeyTimeout",
    code: "limit_key_timeout",
    message: `the key of a limit was not made within ${ONE_WITHIN} ms, or its process died of it`,
  },
}
