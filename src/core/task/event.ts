import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "./envelope.ts"

/** Everything that can be told of, by the word that `stem events --kind` takes. */
export const EVENT_KINDS = [
  "enqueued",
  "replaced",
  "started",
  "succeeded",
  "retrying",
  "failed",
  "released",
  "cancelled",
  "expired",
  "reclaimed",
  "lease_lost",
  "cancel_asked",
  "replayed",
  "queue_paused",
  "queue_resumed",
  "queue_purged",
  "schedule_fired",
  "worker_ready",
  "worker_stopped",
  "dropped",
] as const

/** A kind of event. */
export type EventKind = (typeof EVENT_KINDS)[number]

/** One change of state, told after the store had it. What does not concern a kind is absent. */
export interface StoredEvent {
  readonly kind: EventKind
  /** When it happened, by the clock of whoever did it. */
  readonly at: Millis
  readonly id?: TaskId | undefined
  readonly task?: string | undefined
  readonly queue?: string | undefined
  readonly attempt?: number | undefined
  /** Who did it: the id of a worker, as in `stem inspect workers`. */
  readonly worker?: string | undefined
  /** How long the handler ran. */
  readonly ms?: Millis | undefined
  /** Of `retrying` and `failed`; the message is cut to 500 characters. */
  readonly error?:
    | { readonly name: string; readonly message: string; readonly code?: string | undefined }
    | undefined
  /** When a scheduled or retried task becomes due. */
  readonly dueAt?: Millis | undefined
  readonly parent?: TaskId | undefined
  readonly schedule?: string | undefined
  /** The instant that a schedule fired for. */
  readonly nominalAt?: Millis | undefined
  /** How many: of tasks with `queue_purged`, of events with `dropped`. */
  readonly count?: number | undefined
}

/** A stored event, and the place after it: reading from there gives what came next. */
export interface SeenEvent extends StoredEvent {
  readonly cursor: string
}

/** An error as an event tells it. */
export const eventError = ({
  name,
  message,
  code,
}: {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
}): NonNullable<StoredEvent["error"]> => ({
  name,
  message: message.length > MOST ? `${message.slice(0, MOST - 1)}…` : message,
  ...(code !== undefined && { code }),
})

const MOST = 500
