import {
  type ByHand,
  type FiringRecord,
  HISTORY,
  type ScheduleCommitted,
  type ScheduleTurn,
  type Sent,
} from "../../core/contracts/schedules.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { encodeEnvelope } from "../../core/task/envelope.ts"
import type { Intake } from "./intake.ts"
import type { Store } from "./store.ts"

/** A turn with its envelopes written out, so that the transaction does nothing but store. */
interface ReadyTurn {
  readonly turn: ScheduleTurn
  readonly texts: readonly string[]
}

/** What a firing of a Beat and one by hand have in common. */
interface Instant {
  readonly nominalAt: Millis
  readonly firedAt: Millis
  readonly skipped?: string | undefined
}

/** How many firings of a schedule are there, or were when they were last counted out. */
interface Kept {
  readonly kept: number
}

/** A history grows by so many beyond its bound before the oldest go. */
const SLACK = 100

/** The table of what schedules have done. Everything but `prepare…` and `history` is for inside a transaction. */
export function createFirings({ connection: { sql }, ns }: Store, intake: Intake) {
  const close = sql(
    `UPDATE schedules SET state = ?4, due = ?5, wake = iif(?6 IS NULL, ?5, NULL), leased = 0, paused = ?6, why = ?7,
       kept = kept + ?8 WHERE ns = ?1 AND name = ?2 AND token = ?3 AND leased = 1 RETURNING kept`,
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
  function note(name: string, firing: Instant, task: string | null, byHand: boolean): boolean {
    const { nominalAt, firedAt, skipped = null } = firing
    return keep.run(ns, name, nominalAt, firedAt, task, skipped, byHand ? 1 : 0) > 0
  }

  function send(sent: Sent, text: string, now: Millis): "fired" | "duplicate" {
    if (!("envelope" in sent)) return "fired"
    return intake.add(sent.envelope, text, now).kind === "duplicate" ? "duplicate" : "fired"
  }

  function bound(name: string, { kept }: Kept): void {
    if (kept <= HISTORY + SLACK) return
    prune.run(ns, name)
    shrunk.run(ns, name, HISTORY)
  }

  return {
    prepare: (turn: ScheduleTurn): ReadyTurn => ({
      turn,
      texts: turn.firings.map((firing) => ("skipped" in firing ? "" : textOf(firing))),
    }),

    prepareByHand: (ask: ByHand) => ({ ask, text: textOf(ask) }),

    commit({ turn, texts }: ReadyTurn, now: Millis): ScheduleCommitted {
      const { lease, firings, state, wakeAt, pause } = turn
      const paused = pause === undefined ? null : now
      const text = JSON.stringify(state)
      const more = firings.length
      const held = close.one<Kept>(
        ...[ns, lease.id, lease.token, text, wakeAt ?? null, paused, pause ?? null, more],
      )
      if (!held) return { kind: "stale" }
      const answers = firings.map((firing, at) => {
        const sent = "skipped" in firing ? undefined : firing
        if (!note(lease.id, firing, sent ? idOf(sent) : null, false)) return "duplicate"
        return sent ? send(sent, texts[at] as string, now) : "skipped"
      })
      bound(lease.id, held)
      return { kind: "committed", firings: answers }
    },

    fire({ ask, text }: { ask: ByHand; text: string }, now: Millis): "fired" | "duplicate" | "missing" {
      if (!known.one(ns, ask.name)) return "missing"
      if (!note(ask.name, ask, idOf(ask), true)) return "duplicate"
      bound(ask.name, grow.one<Kept>(ns, ask.name, 1) as Kept)
      return send(ask, text, now)
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

const idOf = (sent: Sent) => ("envelope" in sent ? sent.envelope.id : sent.id)

const textOf = (sent: Sent) => ("envelope" in sent ? encodeEnvelope(sent.envelope) : "")
