import type { Finding } from "../../core/contracts/driver.ts"
import type { Inspector } from "../../core/contracts/inspector.ts"
import type { WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Store } from "./store.ts"

/** What can hurt on this server, in this schema, and among its tasks. */
export async function checkup(
  store: Store,
  _inspector: Inspector,
  _workers: WorkerRegistry,
): Promise<readonly Finding[]> {
  return [{ level: "ok", subject: "postgres", message: `${store.work.where} is in order` }]
}
