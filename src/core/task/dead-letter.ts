import type { Millis } from "../kit/clock.ts"
import type { Envelope } from "./envelope.ts"
import type { Failure } from "./failure.ts"
import type { Replay } from "./status.ts"

/** A task that failed for good, kept whole so that it can be brought back. */
export interface DeadLetter {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly error: Failure
  readonly attempts: number
  readonly diedAt: Millis
  /** Absent when what was stored could not be read as an envelope; `raw` then holds it. */
  readonly envelope?: Envelope | undefined
  readonly raw?: string | undefined
  readonly replays: readonly Replay[]
}
