import type { UrlSource } from "../contracts/credentials.ts"
import type { TlsFiles } from "../contracts/driver.ts"
import type { EventRetention } from "../contracts/events.ts"
import type { Millis } from "../kit/clock.ts"
import type { AutoscalePolicy } from "../policy/autoscale.ts"
import type { QueueRule } from "../policy/limit-keys.ts"
import type { Routing } from "../policy/routing.ts"

/** Everything that can be set, resolved and checked. See docs/cli.md for flags, variables and stem.toml keys. */
export interface Config {
  /** Where tasks live. */
  readonly broker: string
  /** Where ended tasks are remembered; the broker's URL unless set. */
  readonly results: string
  /** Where schedules live; the broker's URL unless set. */
  readonly schedules: string
  /** Keeps installations on one store apart. */
  readonly namespace: string
  readonly connections: ConnectionConfig
  readonly spool: SpoolConfig
  readonly log: LogConfig
  readonly worker: WorkerConfig
  readonly retention: Retention
  /** Where tasks go about which their senders said nothing. */
  readonly routing: Routing
  readonly events: EventConfig
  /** What all tasks of a queue share. */
  readonly queueLimits: readonly QueueRule[]
}

/** How stores are reached. */
export interface ConnectionConfig {
  /** How long a connection attempt may take, a helper command included. */
  readonly timeoutMs: Millis
  /** Absent: nothing was set. */
  readonly tls?: TlsFiles | undefined
  /** Where the broker's URL is read from, again and again. */
  readonly broker: UrlSource
  /** The same of the results; the broker's unless set. */
  readonly results: UrlSource
  /** The same of the schedules; the broker's unless set. */
  readonly schedules: UrlSource
}

/** Where envelopes are kept while their store is away. */
export interface SpoolConfig {
  /** Whether senders keep there what the store does not take, and workers deliver it. */
  readonly on: boolean
  /** Known even while it is off, to look whether something is left in it. */
  readonly path: string
}

/** The least grave line that is shown. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent"

/** The talk on stderr. */
export interface LogConfig {
  readonly level: LogLevel
  readonly format: "pretty" | "json"
}

/** How `stem worker` works. */
export interface WorkerConfig {
  /** Task modules, absolute paths. */
  readonly modules: readonly string[]
  /** In order of precedence, or with weights; empty: `default` and every queue the modules' tasks name. */
  readonly queues: readonly QueueChoice[]
  /** Tasks at once. */
  readonly concurrency: number
  /** Within which bounds the concurrency follows the load; absent: it does not. */
  readonly autoscale?: AutoscalePolicy | undefined
  /** Child processes. */
  readonly isolates: number
  /** The most child processes, however many tasks are to run at once. */
  readonly isolatesMost: number
  readonly isolation: "process" | "none"
  readonly leaseMs: Millis
  /** How long a stopping worker lets tasks finish. */
  readonly graceMs: Millis
  /** Shown in `stem inspect workers`; the host's name and the process id unless set. */
  readonly name: string
  /** An isolate is replaced after so many tasks; 0: never. */
  readonly maxTasks: number
  /** An isolate is replaced once it holds so much memory; 0: never. */
  readonly maxRssBytes: number
  /** Fire schedules too. */
  readonly beat: boolean
  /** Leave when the queues are empty and nothing runs. */
  readonly drain: boolean
  /** Run commands, the task `shell`. */
  readonly shell: boolean
  /** Which commands: absolute paths or globs; empty: all. */
  readonly shellAllow: readonly string[]
}

/** A queue to take from. */
export interface QueueChoice {
  readonly name: string
  /** Absent on all: the order is a precedence. Present on all: shares of the turns to be first. */
  readonly weight?: number | undefined
}

/** What happens is told in the store, and how long it is kept there. */
export interface EventConfig extends EventRetention {
  readonly on: boolean
}

/** As many as a small dashboard looks back on, in some ten megabytes; and no event older than a week. */
export const DEFAULT_EVENTS: EventConfig = Object.freeze({ on: true, keep: 100_000, ageMs: 7 * 86_400_000 })

/** How long what has ended is remembered. */
export interface Retention {
  readonly successesMs: Millis
  /** Failed, cancelled and expired tasks. */
  readonly failuresMs: Millis
  readonly deadLettersMs: Millis
}

/** A day for successes; thirty for what a person may want to look into. */
export const DEFAULT_RETENTION: Retention = Object.freeze({
  successesMs: 86_400_000,
  failuresMs: 30 * 86_400_000,
  deadLettersMs: 30 * 86_400_000,
})
