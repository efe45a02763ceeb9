import type { Millis } from "../kit/clock.ts"

/** Who is working: each worker writes its presence every few seconds; who stops writing is gone. */
export interface WorkerRegistry {
  /** Writes or renews a presence until `now + ttlMs`. */
  beat(presence: Presence, ttlMs: Millis): Promise<void>
  /** Presences still alive, by name. */
  list(): Promise<readonly Presence[]>
  /** The worker has left. */
  leave(id: string): Promise<void>
}

/** What a worker says of itself. */
export interface Presence {
  readonly v: 1
  readonly id: string
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly state: "running" | "draining"
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly tasks: readonly string[]
  readonly running: readonly { readonly id: string; readonly task: string; readonly startedAt: Millis }[]
  readonly done: { readonly succeeded: number; readonly failed: number; readonly retried: number }
  readonly startedAt: Millis
  readonly seenAt: Millis
  readonly rssBytes: number
}
