import type { Driver, DriverModule, DriverOptions } from "../core/contracts/driver.ts"
import { invalid } from "../core/kit/errors.ts"

/** URL scheme to adapter; a client is loaded only when its store is chosen. */
const ADAPTERS: Record<string, () => Promise<DriverModule>> = {
  "memory:": () => import("./memory/driver.ts"),
  "sqlite:": () => import("./sqlite/driver.ts"),
  "postgres:": () => import("./postgres/driver.ts"),
  "postgresql:": () => import("./postgres/driver.ts"),
  "redis:": () => import("./redis/driver.ts"),
  "rediss:": () => import("./redis/driver.ts"),
  "redis+sentinel:": () => import("./redis/driver.ts"),
  "rediss+sentinel:": () => import("./redis/driver.ts"),
  "redis+cluster:": () => import("./redis/driver.ts"),
  "rediss+cluster:": () => import("./redis/driver.ts"),
}

/** Opens the store that the URL names. Throws `unknown_store` for a scheme nobody serves. */
export const openDriver = async (url: string, options: DriverOptions): Promise<Driver> =>
  (await adapterFor(url)).open(url, options)

/** The adapter that serves the URL. Throws `unknown_store`. */
export async function adapterFor(url: string): Promise<DriverModule> {
  const scheme = /^[a-z][a-z0-9+.-]*:/.exec(url)?.[0] ?? ""
  const load = ADAPTERS[scheme]
  if (load) return load()
  throw invalid(
    "unknown_store",
    `no store is known for ${scheme ? `"${scheme}"` : "a URL without a scheme"}`,
    `Write one of ${Object.keys(ADAPTERS).join(", ")} at its beginning, as in sqlite:./stem.db.`,
  )
}
