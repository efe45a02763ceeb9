import type { Finding } from "../../core/contracts/driver.ts"
import type { Store } from "./store.ts"
export async function checkup(_s: Store, ..._r: unknown[]): Promise<readonly Finding[]> {
  return []
}
