import type { Millis } from "../../core/kit/clock.ts"
import { encodeEnvelope } from "../../core/task/envelope.ts"
import { completed } from "../../core/task/live.ts"
import { encodeStatus } from "../../core/task/status.ts"
import type { Settled, Settlement } from "../../core/task/verdict.ts"
import type { Endings } from "./endings.ts"
import type { Intake } from "./intake.ts"
import { type Joins, type ReadyArrival, readyArrival } from "./joins.ts"
import type { Keys } from "./keys.ts"
import type { Lines } from "./lines.ts"
import { parsed, replaysOf, TASK_COLUMNS, type TaskRow } from "./rows.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** A settlement with everything written out, so that the transaction does nothing but store. */
export interface ReadySettlement {
  readonly settlement: Settlement
  readonly status: string | undefined
  readonly next: readonly string[]
  readonly opens: readonly string[]
  readonly arrival: ReadyArrival | undefined
}

/** To be called before the transaction. */
export const prepareSettlement = (settlement: Settlement): ReadySettlement => ({
  settlement,
  status: settlement.status && encodeStatus(settlement.status),
  next: settlement.next.map(encodeEnvelope),
  opens: settlement.opens?.map((group) => JSON.stringify(group)) ?? NONE,
  arrival: settlement.arrive && readyArrival(settlement.arrive),
})

const NONE: readonly string[] = Object.freeze([])

/** Lands one settlement, or changes nothing when its token is no longer the one; inside a transaction only. */
export type Settle = (ready: ReadySettlement, now: Millis) => Settled

export function createSettle(
  { connection: { sql }, ns }: Store,
  parts: {
    readonly statuses: Statuses
    readonly intake: Intake
    readonly endings: Endings
    readonly joins: Joins
    readonly keys: Keys
    readonly lines: Lines
  },
): Settle {
  const { statuses, intake, endings, joins, keys, lines } = parts
  const held = "ns = ?1 AND id = ?2 AND token = ?3 AND until IS NOT NULL"
  // Asking what the row held costs a fifth of the whole settlement, and nearly all rows hold nothing.
  const finishPlain = sql(`DELETE FROM tasks WHERE ${held} AND progress IS NULL AND replays IS NULL`)
  const finish = sql(`DELETE FROM tasks WHERE ${held} RETURNING progress, replays`)
  const find = sql(`SELECT ${TASK_COLUMNS} FROM tasks WHERE ${held}`)
  const handBack = sql(
    `UPDATE tasks SET until = NULL, holder = NULL, due = ?4, attempts = attempts + ?5, error = coalesce(?6, error)
     WHERE ${held} AND cancel = 0`,
  )

  function closeLease({ settlement, status: text }: ReadySettlement, now: Millis): Settled {
    const { lease, verdict, status } = settlement
    if (verdict.kind === "retry" || verdict.kind === "release") return giveBack(settlement, now)
    if (verdict.kind === "bury") {
      const row = find.one<TaskRow>(ns, lease.id, lease.token)
      if (!row) return "stale"
      const { task } = JSON.parse(row.envelope) as { task: string }
      endings.bury(row, { task, attempts: row.attempts + 1, reason: verdict.reason, now })
    }
    if (finishPlain.run(ns, lease.id, lease.token) === 1) {
      if (status) statuses.put(status, text)
      return "settled"
    }
    const left = finish.one<Pick<TaskRow, "progress" | "replays">>(ns, lease.id, lease.token)
    if (!left) return "stale"
    if (status) statuses.put(completed(status, { progress: parsed(left.progress), replays: replaysOf(left) }))
    return "settled"
  }

  function giveBack({ lease, verdict }: Settlement, now: Millis): Settled {
    const paid = verdict.kind === "retry"
    const reason = verdict.kind === "retry" ? JSON.stringify(verdict.reason) : null
    const due = verdict.kind === "retry" || verdict.kind === "release" ? verdict.at : now
    if (handBack.run(ns, lease.id, lease.token, due, paid ? 1 : 0, reason) === 1) {
      lines.movedBy(lease.id)
      return "settled"
    }
    const row = find.one<TaskRow>(ns, lease.id, lease.token)
    if (!row) return "stale"
    endings.cancel(row.seq, now)
    return "settled"
  }

  return (ready, now) => {
    const answer = closeLease(ready, now)
    if (answer === "stale") return answer
    const { lease, next, opens, unique } = ready.settlement
    if (unique !== undefined) keys.setFree(unique, lease.id)
    next.forEach((envelope, at) => {
      intake.add(envelope, ready.next[at] as string, now)
    })
    opens?.forEach((group, at) => {
      joins.open(group, ready.opens[at] as string, now)
    })
    if (ready.arrival) joins.arrive(ready.arrival, now)
    return answer
  }
}
