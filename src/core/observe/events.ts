import type { ExtensionNote } from "../contracts/extensions.ts"
import type { IsolateLine } from "../contracts/isolates.ts"
import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "../task/envelope.ts"
import { type Failure, toFailure } from "../task/failure.ts"
import type { BeatEvent } from "./beat-events.ts"

/** The task an event is about. */
export interface EventTask {
  readonly id: TaskId
  readonly task: string
  readonly queue: string
  readonly attempt: number
}

/**
 * What a worker, or the Beat in it, says it did, after the store has it. Nothing decides anything from an event, and a listener that
 * throws changes nothing.
 */
export type WorkerEvent =
  | BeatEvent
  | {
      readonly kind: "ready"
      readonly tasks: readonly string[]
      readonly queues: readonly string[]
      readonly concurrency: number
      readonly isolates: number
    }
  | ({ readonly kind: "started" } & EventTask)
  | ({ readonly kind: "succeeded"; readonly ms: Millis } & EventTask)
  | ({ readonly kind: "retrying"; readonly at: Millis; readonly error: Failure } & EventTask)
  | ({ readonly kind: "failed"; readonly error: Failure } & EventTask)
  | ({ readonly kind: "cancelled" } & EventTask)
  | ({ readonly kind: "expired" } & EventTask)
  | ({ readonly kind: "released" } & EventTask)
  /** Somebody else holds or has settled it; what this worker did with it counts for nothing. */
  | ({ readonly kind: "lease_lost" } & EventTask)
  | ({ readonly kind: "log" } & IsolateLine)
  /** A summary: how many were refused by which limits since the last. */
  | {
      readonly kind: "limited"
      readonly refused: readonly { readonly key: string; readonly count: number }[]
    }
  | { readonly kind: "isolate_died"; readonly pid: number; readonly reason: string; readonly running: number }
  /** No isolate is left and none can be started: nothing is taken until one can. */
  | { readonly kind: "isolates_lost"; readonly reason: string }
  | { readonly kind: "isolates_back" }
  /** It has replaced another and runs other code than the rest: these files have changed since. */
  | { readonly kind: "isolate_differs"; readonly pid: number; readonly files: readonly string[] }
  | ExtensionNote
  | { readonly kind: "store_lost"; readonly error: Failure }
  | { readonly kind: "store_back"; readonly awayMs: Millis }
  | { readonly kind: "reloaded"; readonly tasks: readonly string[] }
  | { readonly kind: "reload_failed"; readonly error: Failure }
  /** It runs so many tasks at once from now on, in so many isolates. */
  | {
      readonly kind: "resized"
      readonly from: number
      readonly to: number
      readonly isolates: number
      readonly reason: string
    }
  /** Somebody told it to do this. */
  | { readonly kind: "commanded"; readonly order: string }
  | { readonly kind: "quieted"; readonly running: number }
  | { readonly kind: "resumed" }
  | { readonly kind: "draining"; readonly running: number; readonly graceMs: Millis }
  | { readonly kind: "aborting"; readonly running: number }
  | { readonly kind: "pruned"; readonly statuses: number; readonly deadLetters: number }
  /** What these groups should have sent long before was sent now: the store was damaged, or this code is wrong. */
  | { readonly kind: "groups_mended"; readonly groups: readonly string[] }
  /** Envelopes that were kept while the store was away are in the store now. */
  | { readonly kind: "spool_flushed"; readonly count: number }
  /** So many events were not written down while the store was away: more happened than is kept for it. */
  | { readonly kind: "events_dropped"; readonly count: number }
  | { readonly kind: "upkeep_failed"; readonly error: Failure }
  | { readonly kind: "listener_failed"; readonly error: Failure }
  | { readonly kind: "stopped"; readonly forced: boolean }

/** Told of each event, in order. It must not block. */
export type Listener = (event: WorkerEvent) => void

/** Where a worker's events go. A listener that throws is dropped, and the others are told. */
export interface Events {
  emit: Listener
  /** Answers how to stop listening. */
  on(listener: Listener): () => void
}

/** Events without listeners yet. */
export function createEvents(): Events {
  // Replaced and never changed, so that whoever is being told is not confused; twice per task a list is read faster.
  let listeners: readonly Listener[] = []
  const drop = (dropped: Listener) => {
    listeners = listeners.filter((listener) => listener !== dropped)
  }

  function tell(listener: Listener, event: WorkerEvent): void {
    try {
      listener(event)
    } catch (error) {
      drop(listener)
      emit({ kind: "listener_failed", error: toFailure(error) })
    }
  }

  function emit(event: WorkerEvent): void {
    const told = listeners
    for (let at = 0; at < told.length; at++) tell(told[at] as Listener, event)
  }

  return {
    emit,
    on(listener) {
      if (!listeners.includes(listener)) listeners = [...listeners, listener]
      return () => drop(listener)
    },
  }
}
