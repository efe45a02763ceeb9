import type { Spool } from "../client/spool.ts"
import type { Retention } from "../config/config.ts"
import type { Broker } from "../contracts/broker.ts"
import type { EventLog, EventRetention } from "../contracts/events.ts"
import type { Groups } from "../contracts/groups.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { Limiter } from "../contracts/limits.ts"
import type { LockStore } from "../contracts/locks.ts"
import type { Notes } from "../contracts/notes.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { Clock } from "../kit/clock.ts"
import type { Listener } from "../observe/events.ts"
import { janitor } from "./janitor.ts"
import { deliverSpool } from "./spool.ts"

/** What is kept in order beside a worker. */
export interface ChoreParts {
  readonly broker: Broker
  readonly results: ResultBackend
  readonly inspector: Pick<Inspector, "deadLetters" | "forgetKeys">
  readonly groups: Groups
  readonly notes: Notes
  readonly retention: Retention
  readonly events: Pick<EventLog, "prune">
  /** Absent: events are left as they are. */
  readonly eventRetention?: EventRetention | undefined
  readonly limits: Pick<Limiter, "prune">
  readonly locks: LockStore
  giveBack?(): Promise<boolean>
  /** The worker that they are beside. */
  readonly holder: string
  readonly clock: Clock
  /** Absent: nothing was kept for delivering. */
  readonly openSpool?: (() => Promise<Spool>) | undefined
}

/** The loops that keep a store in order; each runs until the signal aborts. */
export function upkeep(
  parts: ChoreParts,
): readonly ((emit: Listener, signal: AbortSignal) => Promise<void>)[] {
  const { clock, broker, openSpool: open } = parts
  return [
    (emit, signal) => janitor({ ...parts, emit }, signal),
    async (emit, signal) => {
      if (open) await deliverSpool({ open, broker, clock, emit }, signal)
    },
  ]
}
