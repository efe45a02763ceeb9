import type { Millis } from "../../core/kit/clock.ts"
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import { stateOf } from "../../core/task/live.ts"
import type { TaskState } from "../../core/task/status.ts"
import { meet } from "./keys.ts"
import { knownState, type Live, type Store } from "./store.ts"

/** Stores an envelope unless its id is known, or its key taken; answers the state of the task that is there now. */
export function add(
  store: Store,
  envelope: Envelope,
  now: Millis,
): { id: string; kind: "stored" | "duplicate" | "replaced"; state: TaskState } {
  const { id } = envelope
  const known = knownState(store, id, now)
  if (known) return { id, kind: "duplicate", state: known }
  const kept = decodeEnvelope(encodeEnvelope(envelope))
  const met = meet(store, kept, now)
  if (met) return { ...met, state: knownState(store, met.id, now) ?? "succeeded" }
  const task: Live = { envelope: kept, token: 0, attempts: 0, dueAt: kept.dueAt, replays: [] }
  store.live.set(id, task)
  return { id, kind: "stored", state: stateOf(task, now) }
}
