import type { ReserveAsk, Reserved } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { Delivery } from "../../core/task/lease.ts"
import type { Chains } from "./chains.ts"
import type { Endings } from "./endings.ts"
import type { Lines } from "./lines.ts"
import { LEASE_COLUMNS, type LeaseRow, replaysOf } from "./rows.ts"
import type { Store } from "./store.ts"
import { createTurns, type Taking } from "./turns.ts"

/** Leasing tasks, and knowing when there will be some. */
export interface Leasing {
  /** Takes ready tasks; inside a transaction only. */
  reserve(ask: ReserveAsk): Reserved
  /** Takes tasks whose lease has run out; inside a transaction only. */
  reclaim(ask: ReserveAsk): readonly Delivery[]
  /** When the next waiting task of these queues is or was due. */
  nextDue(queues: readonly string[]): Millis
  /** When the next lease of these queues runs or ran out. */
  nextExpiry(queues: readonly string[]): Millis
}

/** Rank 0 is priority 9. */
const RANKS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

const NEVER = Number.POSITIVE_INFINITY

export function createLeasing(
  store: Store,
  { endings, lines, chains }: { endings: Endings; lines: Lines; chains: Chains },
): Leasing {
  const { connection, clock, queues } = store
  const { sql } = connection
  const takeTurns = createTurns(store)
  const ready = sql(
    `SELECT ${LEASE_COLUMNS} FROM tasks
     WHERE queue = ?1 AND rank = ?2 AND until IS NULL AND due <= ?3 ORDER BY due, seq LIMIT ?4`,
  )
  const lost = sql(
    `SELECT ${LEASE_COLUMNS} FROM tasks
     WHERE queue = ?1 AND until IS NOT NULL AND until <= ?2 ORDER BY until, seq LIMIT ?3`,
  )
  const lease = sql(
    "UPDATE tasks SET until = ?2, holder = ?3, started = ?4, token = token + 1, attempts = ?5 WHERE seq = ?1",
  )
  const firstOf = (rank: number) =>
    `(SELECT due FROM tasks WHERE queue = ?1 AND rank = ${rank} AND until IS NULL ORDER BY due LIMIT 1)`
  const due = sql(
    `SELECT min(column1) AS at FROM (VALUES ${RANKS.map((rank) => `(${firstOf(rank)})`).join(", ")})`,
  )
  const expiry = sql("SELECT min(until) AS at FROM tasks WHERE queue = ?1 AND until IS NOT NULL")

  const earliest = (statement: typeof due, numbers: readonly number[]) =>
    numbers.reduce(
      (least, queue) => Math.min(least, statement.one<{ at: Millis | null }>(queue)?.at ?? NEVER),
      NEVER,
    )

  /** How rows become deliveries; those that can not be read become dead letters. */
  function takingFor(ask: ReserveAsk, now: Millis, lostLeases: number, into: Delivery[]): Taking {
    const { holder, leaseMs } = ask
    const expiresAt = now + leaseMs
    return {
      bury: ({ seq }, why) => endings.buryUnreadable(seq, why, now),
      lease(row) {
        const envelope = chains.envelopeOf(row)
        if (envelope instanceof Error) return envelope
        const paid = row.attempts + lostLeases
        lease.run(row.seq, expiresAt, holder, now, paid)
        into.push({
          envelope,
          lease: { id: row.id, holder, token: row.token + 1, expiresAt },
          attempt: paid + 1,
          reclaimed: lostLeases > 0,
          replays: replaysOf(row),
        })
        return envelope
      },
    }
  }

  /** Burying goes last: it may change rows that were read. */
  function take(rows: readonly LeaseRow[], taking: Taking): void {
    const unreadable: [LeaseRow, Error][] = []
    for (const row of rows) {
      const envelope = taking.lease(row)
      if (envelope instanceof Error) unreadable.push([row, envelope])
    }
    for (const [row, why] of unreadable) taking.bury(row, why)
  }

  function takeReady(queue: number, rank: number, ask: ReserveAsk, now: Millis, into: Delivery[]): void {
    const taking = takingFor(ask, now, 0, into)
    const inLines = lines.ranks(queue).has(rank)
    if (inLines && takeTurns(queue, rank, ask.max - into.length, now, taking)) return
    while (into.length < ask.max) {
      const room = ask.max - into.length
      const rows = ready.all<LeaseRow>(queue, rank, now, room)
      take(rows, taking)
      if (rows.length < room) return
    }
  }

  return {
    reserve(ask) {
      const now = clock.now()
      const deliveries: Delivery[] = []
      const open = queues.open(ask.queues)
      for (const queue of open)
        for (const rank of RANKS)
          if (deliveries.length < ask.max) takeReady(queue, rank, ask, now, deliveries)
      if (deliveries.length >= ask.max) return { deliveries }
      const wakeAt = Math.min(earliest(due, open), earliest(expiry, open))
      return { deliveries, ...(wakeAt < NEVER && { wakeAt }) }
    },

    reclaim(ask) {
      const now = clock.now()
      const deliveries: Delivery[] = []
      for (const queue of queues.open(ask.queues))
        while (deliveries.length < ask.max) {
          const rows = lost.all<LeaseRow>(queue, now, ask.max - deliveries.length)
          if (rows.length === 0) break
          for (const row of rows) if (row.cancel > 0) endings.cancel(row.seq, now)
          const kept = rows.filter((row) => row.cancel === 0)
          take(kept, takingFor(ask, now, 1, deliveries))
        }
      return deliveries
    },

    nextDue: (names) => earliest(due, queues.open(names)),
    nextExpiry: (names) => earliest(expiry, queues.open(names)),
  }
}
