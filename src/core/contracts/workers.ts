import type { Millis } from "../kit/clock.ts"

/**
 * Who is working: each worker writes its presence every few seconds; who stops writing is taken for lost. What a
 * worker writes is also how it is spoken to: a command is put into the mailbox of each worker that is meant, so every
 * one of them gets it, and its answers can be counted.
 */
export interface WorkerRegistry {
  /**
   * Writes or renews a presence until `now + ttlMs`, and hands over the commands that have come for this worker and
   * have not expired, in the order of their ids. Each is handed over once.
   */
  beat(presence: Presence, ttlMs: Millis): Promise<readonly Command[]>
  /**
   * Presences still alive, by name; with an instant, also those that were lost after it. Who was lost for longer than
   * {@link LOST_KEPT} is forgotten.
   */
  list(since?: Millis): Promise<readonly Presence[]>
  /** The worker has left: its presence is gone, and its mailbox. */
  leave(id: string): Promise<void>

  /**
   * Puts a command into the mailboxes of these workers, by id, whether they are there or not. A mailbox holds the
   * latest {@link MAILBOX} commands.
   */
  send(command: Command, to: readonly string[]): Promise<void>
  /** What a worker says to a command. It is remembered until `answer.until`; the latest of a worker counts. */
  answer(answer: Answer): Promise<void>
  /** The answers to a command so far, by worker. */
  answers(command: string): Promise<readonly Answer[]>
  /**
   * Resolves when the next beat may hand over a command, at `until`, or when the signal aborts. A hint: it may
   * resolve for nothing, and a caller polls besides. It resolves too when the store is closed.
   */
  wait(id: string, until: Millis, signal: AbortSignal): Promise<void>
}

/** How long a lost worker is remembered. */
export const LOST_KEPT: Millis = 3_600_000
/** How many commands wait for one worker at most. */
export const MAILBOX = 100

/** What a worker is told to do. */
export type Order =
  | { readonly kind: "ping" }
  | { readonly kind: "stats" }
  /** Take nothing new, and stay. */
  | { readonly kind: "quiet" }
  /** Take work again, after that. */
  | { readonly kind: "resume" }
  /** Take nothing new, finish, and leave. */
  | { readonly kind: "stop" }
  | { readonly kind: "resize"; readonly concurrency: number }
  | { readonly kind: "reload" }
  /** These tasks have been marked in the store: stop them now, not at the next renew. */
  | { readonly kind: "cancel"; readonly ids: readonly string[]; readonly terminate: boolean }

/** An order under way. Ids grow with time. */
export interface Command {
  readonly v: 1
  readonly id: string
  readonly order: Order
  /** Nobody does it any more from then on. */
  readonly expiresAt: Millis
}

/** What one worker made of a command. */
export interface Answer {
  readonly v: 1
  readonly command: string
  readonly worker: string
  readonly name: string
  readonly at: Millis
  readonly until: Millis
  readonly ok: boolean
  /** A sentence. */
  readonly message: string
  /** Of `stats`. */
  readonly presence?: Presence | undefined
}

/** What a worker says of itself. What came later is absent in what an older Stem wrote. */
export interface Presence {
  readonly v: 1
  readonly id: string
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly state: "running" | "quiet" | "draining"
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly tasks: readonly string[]
  /** Those that run longest, at most {@link RUNNING_SHOWN}. */
  readonly running: readonly { readonly id: string; readonly task: string; readonly startedAt: Millis }[]
  readonly done: { readonly succeeded: number; readonly failed: number; readonly retried: number }
  readonly startedAt: Millis
  readonly seenAt: Millis
  readonly rssBytes: number
  /** How many run, whether they are shown or not. */
  readonly runningCount?: number | undefined
  /** Attempts that ended in the last minute. */
  readonly perMinute?: number | undefined
  /** Child processes. */
  readonly isolates?: number | undefined
  /** A fingerprint of the code it has loaded: two workers that show the same one run the same. */
  readonly modules?: string | undefined
  /** The bounds that its concurrency moves between. */
  readonly autoscale?: { readonly least: number; readonly most: number } | undefined
  /** It takes commands. */
  readonly hears?: boolean | undefined
}

/** How many running tasks a presence names. */
export const RUNNING_SHOWN = 100
