import type { Millis } from "../kit/clock.ts"
import type { Lease } from "../task/lease.ts"

/**
 * Locks by name, for work that only one of many should do. They save work and prove nothing: whoever must be sure
 * fences with the token, which only grows.
 */
export interface LockStore {
  /** The lock, when nobody has it, for so long. Its lease is named after it. */
  acquire(name: string, holder: string, ms: Millis): Promise<Lease | undefined>
  /** Keeps it for so long from now; false when it has run out or is another's. */
  renew(lease: Lease, ms: Millis): Promise<boolean>
  /** Gives it back; false when it has run out or is another's. */
  release(lease: Lease): Promise<boolean>
}
