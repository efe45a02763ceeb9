import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Failure } from "../task/failure.ts"

/** What a Beat says it did, after the store has it. */
export type BeatEvent =
  | { readonly kind: "beat_ready"; readonly schedules: number }
  | {
      readonly kind: "schedule_fired"
      readonly schedule: string
      readonly id: TaskId
      readonly task: string
      readonly nominalAt: Millis
      readonly latenessMs: Millis
    }
  | {
      readonly kind: "schedule_skipped"
      readonly schedule: string
      readonly nominalAt: Millis
      readonly reason: string
    }
  | { readonly kind: "schedule_paused"; readonly schedule: string; readonly reason: string }
  /** There is no instant to come. */
  | { readonly kind: "schedule_over"; readonly schedule: string; readonly runs: number }
  /** Another Beat has taken it over, or it was edited meanwhile: what this one decided counts for nothing. */
  | { readonly kind: "schedule_lost"; readonly schedule: string }
  /** The machine's clock was set, or the machine slept: by so much, negative for backwards. */
  | { readonly kind: "clock_jumped"; readonly byMs: Millis }
  | {
      readonly kind: "schedules_synced"
      readonly source: string
      readonly added: readonly string[]
      readonly changed: readonly string[]
      readonly removed: readonly string[]
    }
  /** Defined in this source, and another one's already. */
  | {
      readonly kind: "schedule_taken"
      readonly schedule: string
      readonly source: string
      readonly by: string
    }
  /** Middleware did not answer about this firing, which is stored as it was. */
  | {
      readonly kind: "middleware_failed"
      readonly schedule: string
      readonly id: TaskId
      readonly reason: string
    }
  | { readonly kind: "sync_failed"; readonly error: Failure }
  | { readonly kind: "beat_stopped" }
