import type { Millis } from "../../core/kit/clock.ts"
import { type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import { completed } from "../../core/task/live.ts"
import { encodeStatus } from "../../core/task/status.ts"
import type { Settled, Settlement } from "../../core/task/verdict.ts"
import type { Chains } from "./chains.ts"
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
  /** The one ordinary task that follows, if that is all: its row can take over the other's. */
  readonly link: Envelope | undefined
  /** Empty for a link, which is written out in the shape that its row takes. */
  readonly next: readonly string[]
  readonly opens: readonly string[]
  readonly arrival: ReadyArrival | undefined
}

/** To be called before the transaction. */
export function prepareSettlement(settlement: Settlement): ReadySettlement {
  const link = linkOf(settlement)
  return {
    settlement,
    status: settlement.status && encodeStatus(settlement.status),
    link,
    next: link ? NONE : settlement.next.map(encodeEnvelope),
    opens: settlement.opens?.map((group) => JSON.stringify(group)) ?? NONE,
    arrival: settlement.arrive && readyArrival(settlement.arrive),
  }
}

const NONE: readonly string[] = Object.freeze([])

function linkOf({ verdict, next, opens, arrive, unique }: Settlement): Envelope | undefined {
  const [link] = next
  if (!link || next.length > 1 || verdict.kind !== "ack") return undefined
  return opens || arrive || unique !== undefined || link.unique || link.fair ? undefined : link
}

/** Lands one settlement, or changes nothing when its token is no longer the one; inside a transaction only. */
export type Settle = (ready: ReadySettlement, now: Millis) => Settled

export function createSettle(
  { connection: { sql }, ns, queues }: Store,
  parts: {
    readonly statuses: Statuses
    readonly intake: Intake
    readonly endings: Endings
    readonly joins: Joins
    readonly keys: Keys
    readonly lines: Lines
    readonly chains: Chains
  },
): Settle {
  const { statuses, intake, endings, joins, keys, lines, chains } = parts
  const held = "ns = ?1 AND id = ?2 AND token = ?3 AND until IS NOT NULL"
  // Asking what the row held costs a fifth of the whole settlement, and nearly all rows hold nothing.
  const finishPlain = sql(`DELETE FROM tasks WHERE ${held} AND progress IS NULL AND replays IS NULL`)
  // The row of a task becomes that of the link that follows it, behind all others: one statement rather than two.
  const advance = sql(
    `UPDATE OR IGNORE tasks SET seq = (SELECT max(seq) + 1 FROM tasks), id = ?4, queue = ?5, rank = ?6, due = ?7,
       envelope = ?8, chain = iif(?9 IS NULL, NULL, chain), gone = ?9, token = 0, attempts = 0, until = NULL,
       holder = NULL, started = NULL, cancel = 0, error = NULL, fair = NULL
     WHERE ${held} AND gone IS ?10 AND progress IS NULL AND replays IS NULL
       AND NOT EXISTS (SELECT 1 FROM statuses WHERE ns = ?1 AND id = ?4)
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE ns = ?1 AND id = ?4)`,
  )
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

  /** Lands the success of a task that a link follows. False changes nothing: it may be anything else. */
  function landLink({ settlement, link, status: text }: ReadySettlement): boolean {
    const { lease, status } = settlement
    if (!link || lines.any()) return false
    const handing = chains.handOn(lease.id, link)
    if (!handing) return false
    const { head, from, gone } = handing
    const place = [link.id, queues.ensure(link.queue), 9 - link.priority, link.dueAt] as const
    if (advance.run(ns, lease.id, lease.token, ...place, head, gone, from) !== 1) return false
    if (status) statuses.put(status, text)
    return true
  }

  return (ready, now) => {
    if (landLink(ready)) return "settled"
    const answer = closeLease(ready, now)
    if (answer === "stale") return answer
    const { lease, next, opens, unique } = ready.settlement
    if (unique !== undefined) keys.setFree(unique, lease.id)
    next.forEach((envelope, at) => {
      intake.add(envelope, ready.next[at] ?? encodeEnvelope(envelope), now)
    })
    opens?.forEach((group, at) => {
      joins.open(group, ready.opens[at] as string, now)
    })
    if (ready.arrival) joins.arrive(ready.arrival, now)
    return answer
  }
}
