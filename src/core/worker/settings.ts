import type { QueueChoice } from "../config/config.ts"
import type { Broker } from "../contracts/broker.ts"
import type { Groups } from "../contracts/groups.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { Isolates } from "../contracts/isolates.ts"
import type { Limiter } from "../contracts/limits.ts"
import type { Notes } from "../contracts/notes.ts"
import type { WorkerRegistry } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { Listener } from "../observe/events.ts"
import type { AutoscalePolicy } from "../policy/autoscale.ts"
import type { Router } from "../policy/routing.ts"
import type { QueueLimits } from "../task/limit-spec.ts"

/** What a worker is made of. */
export interface WorkerParts {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly registry: WorkerRegistry
  readonly groups: Groups
  readonly notes: Notes
  readonly isolates: Isolates
  readonly limits: Limiter
  readonly clock: Clock
  /** Loops that live beside it until it takes nothing new: the janitor, later Beat. */
  readonly chores: readonly Chore[]
}

/** Runs until the signal aborts; tells its own faults by events and never rejects. */
export type Chore = (emit: Listener, signal: AbortSignal) => Promise<void>

/** How it works. */
export interface WorkerSettings {
  /** Unique among all workers there ever were; the holder of its leases. */
  readonly id: string
  readonly name: string
  /** Empty: `default` and every queue the tasks name. */
  readonly queues: readonly QueueChoice[]
  /** Where tasks that are sent from here go, and which queues the names mean; absent: as they are named. */
  readonly router?: Router | undefined
  readonly concurrency: number
  readonly isolateCount: number
  /** How many isolates so many tasks at once need, for when the concurrency is changed. */
  readonly isolatesFor: (concurrency: number) => number
  /** Changes the concurrency by the load; absent: it stays as it is. */
  readonly autoscale?: AutoscalePolicy | undefined
  /** Limits of queues, for all their tasks. */
  readonly queueLimits: ReadonlyMap<string, QueueLimits>
  readonly leaseMs: Millis
  readonly graceMs: Millis
  /** Leave when the queues are empty and nothing runs. */
  readonly drain: boolean
  /** Facts about the process for its presence. */
  readonly process: {
    readonly host: string
    readonly pid: number
    readonly version: string
    readonly rss: () => number
  }
}
