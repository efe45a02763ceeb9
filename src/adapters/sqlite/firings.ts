import {
  type ByHand,
  type Firing,
  type FiringRecord,
  HISTORY,
  type ScheduleCommitted,
  type ScheduleTurn,
} from "../../core/contracts/schedules.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import { createIntake } from "./intake.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** A turn with its envelopes written out, so that the transaction does nothing but store. */
interface ReadyTurn {
  readonly turn: ScheduleTurn
  readonly texts: readonly string[]
}

/** A history grows by so many beyond its bound before the oldest go. */
const SLACK = 100

/** The table of what schedules have done. Everything but `prepare…` and `history` is for inside a transaction. */
export function createFirings(store: Store, statuses: Statuses) {
  const { connection, ns } = store
  const { sql } = connection
  const intake = createIntake(store, statuses)
  const close = sql(
    `UPDATE schedules SET state = ?4, due = ?5, wake = iif(?6 IS NULL, ?5, NULL), leased = 0, paused = ?6, why = ?7
     WHERE ns = ?1 AND name = ?2 AND token = ?3 AND leased = 1`,
  )
  const known = sql("SELECT 1 FROM schedules WHERE ns = ?1 AND name = ?2")
  const keep = sql(
    `INSERT INTO firings (ns, name, nominal, fired, task, skipped, by_hand) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT (ns, name, nominal) DO UPDATE SET fired = excluded.fired, task = excluded.task, skipped = NULL,
       by_hand = excluded.by_hand WHERE task IS NULL AND excluded.task IS NOT NULL`,
  )
  const grow = sql("UPDATE schedules SET kept = kept + ?3 WHERE ns = ?1 AND name = ?2 RETURNING kept")
  const shrunk = sql("UPDATE schedules SET kept = ?3 WHERE ns = ?1 AND name = ?2")
  const prune = sql(
    `DELETE FROM firings WHERE ns = ?1 AND name = ?2 AND nominal <=
       (SELECT nominal FROM firings WHERE ns = ?1 AND name = ?2 ORDER BY nominal DESC LIMIT 1 OFFSET ${HISTORY})`,
  )
  const forget = sql("DELETE FROM firings WHERE ns = ?1 AND name = ?2")
  const latest = sql(
    `SELECT nominal, fired, task, skipped, by_hand FROM firings WHERE ns = ?1 AND name = ?2
     ORDER BY nominal DESC LIMIT ?3`,
  )

  /** False: the pair is there already. */
  function note(
    name: string,
    firing: Omit<Firing, "envelope">,
    task: string | null,
    byHand: boolean,
  ): boolean {
    const skipped = "skipped" in firing ? (firing.skipped as string) : null
    return keep.run(ns, name, firing.nominalAt, firing.firedAt, task, skipped, byHand ? 1 : 0) > 0
  }

  function enqueue(envelope: Envelope, text: string, now: Millis): "fired" | "duplicate" {
    return intake.add(envelope, text, now).kind === "stored" ? "fired" : "duplicate"
  }

  function bound(name: string, more: number): void {
    if (more === 0) return
    const { kept } = grow.one<{ kept: number }>(ns, name, more) as { kept: number }
    if (kept <= HISTORY + SLACK) return
    prune.run(ns, name)
    shrunk.run(ns, name, HISTORY)
  }

  return {
    prepare: (turn: ScheduleTurn): ReadyTurn => ({
      turn,
      texts: turn.firings.map((firing) => ("envelope" in firing ? encodeEnvelope(firing.envelope) : "")),
    }),

    prepareByHand: (ask: ByHand) => ({ ask, text: encodeEnvelope(ask.envelope) }),

    commit({ turn, texts }: ReadyTurn, now: Millis): ScheduleCommitted {
      const { lease, firings, state, wakeAt, pause } = turn
      const paused = pause === undefined ? null : now
      const text = JSON.stringify(state)
      if (close.run(ns, lease.id, lease.token, text, wakeAt ?? null, paused, pause ?? null) !== 1)
        return { kind: "stale" }
      const answers = firings.map((firing, at) => {
        const envelope = "envelope" in firing ? firing.envelope : undefined
        if (!note(lease.id, firing, envelope?.id ?? null, false)) return "duplicate"
        return envelope ? enqueue(envelope, texts[at] as string, now) : "skipped"
      })
      bound(lease.id, answers.length)
      return { kind: "committed", firings: answers }
    },

    fire({ ask, text }: { ask: ByHand; text: string }, now: Millis): "fired" | "duplicate" | "missing" {
      const { name, envelope } = ask
      if (!known.one(ns, name)) return "missing"
      if (!note(name, ask, envelope.id, true)) return "duplicate"
      bound(name, 1)
      return enqueue(envelope, text, now)
    },

    forget: (name: string): void => void forget.run(ns, name),

    history: (name: string, limit: number): readonly FiringRecord[] =>
      latest
        .all<{
          nominal: number
          fired: number
          task: string | null
          skipped: string | null
          by_hand: number
        }>(ns, name, Math.min(limit, HISTORY))
        .map(({ nominal, fired, task, skipped, by_hand }) => ({
          ...{ nominalAt: nominal, firedAt: fired, latenessMs: fired - nominal },
          ...(task !== null && { id: task }),
          ...(skipped !== null && { skipped }),
          ...(by_hand === 1 && { byHand: true }),
        })),
  }
}
