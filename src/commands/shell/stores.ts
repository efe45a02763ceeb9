import type { Client } from "../../core/client/client.ts"
import type { Resolution } from "../../core/config/resolve.ts"
import { createRouter, type Router } from "../../core/policy/routing.ts"
import { clientOf, openStores, type Stores } from "../../stem.ts"
import type { Shell } from "./command.ts"
import { configure } from "./configure.ts"

/** What a command that uses a store is given. */
export interface Desk extends Resolution {
  readonly stores: Stores
  readonly client: Client
  /** Where tasks go, and which queues names mean. */
  readonly router: Router
}

/** Resolves the configuration, opens the stores, and closes them however the work ends. */
export async function withStores<T>(
  shell: Shell,
  flags: Readonly<Record<string, unknown>>,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const resolution = await configured(shell, flags)
  const { routing } = resolution.config
  const stores = await openStores(resolution.config)
  try {
    return await work({
      ...resolution,
      stores,
      client: clientOf(stores, routing),
      router: createRouter(routing),
    })
  } finally {
    await stores.close()
  }
}

/** Resolves the configuration and lets it decide how this command talks. */
export async function configured(
  shell: Shell,
  flags: Readonly<Record<string, unknown>>,
  modules?: readonly string[],
): Promise<Resolution> {
  const resolution = await configure(shell, flags, modules)
  const { log } = resolution.config
  // A worker's log is JSON away from a terminal; a command's remarks are so only for who asks for it.
  const asked = resolution.values.find(({ key }) => key === "log.format")?.source !== "default"
  shell.talk.set({ level: log.level, json: asked && log.format === "json" })
  return resolution
}
