import type { Millis } from "../../core/kit/clock.ts"
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import type { Store } from "./store.ts"

/** What a task of a unique key meets: undefined when it may be stored, which gives it the key. */
export function meet(
  store: Store,
  envelope: Envelope,
  now: Millis,
): { id: string; kind: "duplicate" | "replaced" } | undefined {
  const { unique } = envelope
  if (!unique) return undefined
  const { key, mode, forMs } = unique
  const has = store.keys.get(key)
  const lives = has && store.live.get(has.id)
  const held = now < (has?.until ?? 0)
  if (has && mode === "throttle" ? held : lives && mode === "live")
    return { id: has?.id as string, kind: "duplicate" }
  if (has && mode === "window" && (held || lives)) return { id: has.id, kind: "duplicate" }
  const replaces = mode === "debounce" || mode === "replace"
  if (replaces && lives && lives.until === undefined && lives.attempts === 0) {
    const { id } = lives.envelope
    if (mode === "debounce") lives.dueAt = envelope.dueAt
    lives.envelope = decodeEnvelope(encodeEnvelope({ ...envelope, id, dueAt: lives.dueAt }))
    return { id, kind: "replaced" }
  }
  store.keys.set(key, { id: envelope.id, ...(forMs !== undefined && { until: now + forMs }) })
  return undefined
}

/** The end of a task sets its key free, if it still has it and it is not held for a while. */
export function setFree({ keys }: Store, key: string, id: string): void {
  const has = keys.get(key)
  if (has?.id === id && has.until === undefined) keys.delete(key)
}
