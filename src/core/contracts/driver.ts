import type { Clock, Millis } from "../kit/clock.ts"
import type { Broker } from "./broker.ts"
import type { EventLog } from "./events.ts"
import type { Groups } from "./groups.ts"
import type { Inspector } from "./inspector.ts"
import type { Limiter } from "./limits.ts"
import type { LockStore } from "./locks.ts"
import type { Notes } from "./notes.ts"
import type { ResultBackend } from "./results.ts"
import type { ScheduleStore } from "./schedules.ts"
import type { WorkerRegistry } from "./workers.ts"

/** One open store. Commands never learn which one they use. */
export interface Driver {
  /** The URL as it may be shown: without secrets. */
  readonly url: string
  readonly capabilities: Capabilities
  readonly broker: Broker
  readonly results: ResultBackend
  readonly inspector: Inspector
  readonly workers: WorkerRegistry
  readonly schedules: ScheduleStore
  readonly events: EventLog
  readonly groups: Groups
  readonly notes: Notes
  readonly limits: Limiter
  readonly locks: LockStore
  /**
   * Throws `unavailable` when the store can not be used. Answers the store's own time where it has a clock of its own:
   * that of another machine.
   */
  ping(): Promise<Millis | undefined>
  /**
   * Gives room that has become empty back to the disk or the server: a piece of it, in a moment, with workers at work.
   * Answers whether there is more to give now. Absent: the store does so by itself. Throws `unavailable`.
   */
  giveBack?(): Promise<boolean>
  /** What can hurt here, with its fix. */
  checkup(): Promise<readonly Finding[]>
  /** Safe to call twice. Pending calls end first. */
  close(): Promise<void>
}

/** What a store can do, for commands that show it; the promises of the contracts hold on all. */
export interface Capabilities {
  readonly store: string
  /** What is still there after a power cut. */
  readonly durability: string
  /** Whether another process can open the same tasks. */
  readonly shared: boolean
  /** Whether it may be on another machine, with a clock of its own. */
  readonly remote: boolean
}

/** One thing a checkup looked at. A problem makes `stem doctor` fail; a warning does not. */
export interface Finding {
  readonly level: "ok" | "warning" | "problem"
  readonly subject: string
  readonly message: string
  readonly fix?: string | undefined
}

/** What a driver does to its schema: opening migrates by itself, `stem migrate` shows and does it. */
export interface Migration {
  readonly from: number
  readonly to: number
  readonly statements: readonly string[]
}

/** What a driver is opened with beside its URL. */
export interface DriverOptions {
  readonly namespace: string
  readonly clock: Clock
  /** How long a connection attempt may take. Default: 5 s. */
  readonly connectTimeoutMs?: Millis | undefined
  /**
   * The URL with the credentials of this moment, asked for before every connection, so that a password can be
   * changed under a running worker. Default: the URL the driver was opened with.
   */
  readonly freshUrl?: (() => Promise<string>) | undefined
  /** Files, read before every connection, so that certificates can be renewed. */
  readonly tls?: TlsFiles | undefined
}

/** Paths of PEM files. A certificate and its key go together. */
export interface TlsFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** What a schema is brought up to date with; reaching the store is as in {@link DriverOptions}. */
export interface MigrateOptions extends Pick<DriverOptions, "connectTimeoutMs" | "freshUrl" | "tls"> {
  readonly dryRun: boolean
}

/** What an adapter's driver.ts offers. */
export interface DriverModule {
  /** Opens the store, making and migrating it where needed. Throws `unavailable` or `invalid`. */
  open(url: string, options: DriverOptions): Promise<Driver>
  /** Brings the schema up to date, or only tells what it would do. */
  migrate(url: string, options: MigrateOptions): Promise<Migration>
}
