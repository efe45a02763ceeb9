import type { Finding } from "../../core/contracts/driver.ts"
import type { Store } from "./store.ts"
export async function checkup(store: Store): Promise<readonly Finding[]> {
  return [{ level: "ok", subject: "redis", message: `${store.where} is in order` }]
}
