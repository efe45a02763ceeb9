import type { Millis } from "../../core/kit/clock.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import type { Store } from "./store.ts"

/**
 * Which tasks stand in lines, and which lines there are; inside a transaction only. A shelf, which is a queue and a
 * rank, has lines from its first task with a fair key on until upkeep finds it without one.
 */
export interface Lines {
  /** The line a task is to stand in, which makes lines of its shelf when it is the first with a key. */
  lineOf(queue: number, rank: number, envelope: Pick<Envelope, "fair">): string | null
  /** A task waits in this line from now on. */
  joined(queue: number, rank: number, line: string, due: Millis): void
  /** This task waits again, or for another instant. */
  movedBy(id: string): void
  /** Whether there is any line. */
  any(): boolean
  /** The ranks of a queue that have lines. */
  ranks(queue: number): ReadonlySet<number>
  /** Takes away the lines of shelves where nobody has a key any more. */
  tidy(): void
  /** Whether there is something to tidy; outside of a transaction too. */
  areUnused(): boolean
  /** To be called after a transaction: what was looked up may be wrong then. */
  forget(): void
}

const NONE: ReadonlySet<number> = new Set()

export function createLines({ connection: { sql }, ns }: Store): Lines {
  const every = sql(
    "SELECT queue, rank FROM fair_shelves WHERE queue IN (SELECT queue FROM queues WHERE ns = ?1)",
  )
  const make = sql("INSERT INTO fair_shelves (queue, rank) VALUES (?1, ?2)")
  const stand = "UPDATE tasks SET fair = '' WHERE queue = ?1 AND rank = ?2 AND fair IS NULL"
  const standWaiting = sql(`${stand} AND until IS NULL`)
  const standRunning = sql(`${stand} AND until IS NOT NULL`)
  const keep =
    "ON CONFLICT DO UPDATE SET due = excluded.due WHERE ready = 0 AND (due IS NULL OR due > excluded.due)"
  const join = sql(`INSERT INTO fair_lines (queue, rank, key, due) VALUES (?1, ?2, ?3, ?4) ${keep}`)
  const first = sql(
    `SELECT min(due) AS due FROM tasks INDEXED BY tasks_fair
     WHERE queue = ?1 AND rank = ?2 AND fair = '' AND until IS NULL`,
  )
  const move = sql(
    `INSERT INTO fair_lines (queue, rank, key, due)
     SELECT queue, rank, fair, due FROM tasks WHERE ns = ?1 AND id = ?2 AND fair IS NOT NULL ${keep}`,
  )
  const unused = sql(
    `SELECT queue, rank FROM fair_shelves AS s WHERE turning = 0 AND queue IN (SELECT queue FROM queues WHERE ns = ?1)
       AND NOT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_fair
         WHERE queue = s.queue AND rank = s.rank AND fair > '' AND until IS NULL)
       AND NOT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_leased
         WHERE queue = s.queue AND until IS NOT NULL AND rank = s.rank AND fair > '')`,
  )
  const removeLines = sql("DELETE FROM fair_lines WHERE queue = ?1 AND rank = ?2")
  const removeShelf = sql("DELETE FROM fair_shelves WHERE queue = ?1 AND rank = ?2")

  /** By queue; looked up once in each transaction. */
  let shelves: Map<number, Set<number>> | undefined

  function known(): Map<number, Set<number>> {
    if (shelves) return shelves
    shelves = new Map()
    for (const { queue, rank } of every.all<{ queue: number; rank: number }>(ns)) note(shelves, queue, rank)
    return shelves
  }

  function note(into: Map<number, Set<number>>, queue: number, rank: number): void {
    const ranks = into.get(queue)
    if (ranks) ranks.add(rank)
    else into.set(queue, new Set([rank]))
  }

  /** Tasks without a key that are there already are in line too. */
  function begin(queue: number, rank: number): void {
    make.run(queue, rank)
    note(known(), queue, rank)
    standWaiting.run(queue, rank)
    standRunning.run(queue, rank)
    const { due } = first.one(queue, rank) as { due: Millis | null }
    if (due !== null) join.run(queue, rank, "", due)
  }

  return {
    lineOf(queue, rank, { fair }) {
      const has = known().get(queue)?.has(rank) ?? false
      if (!fair) return has ? "" : null
      if (!has) begin(queue, rank)
      return fair.key
    },

    joined: (queue, rank, line, due) => void join.run(queue, rank, line, due),

    movedBy(id) {
      if (known().size > 0) move.run(ns, id)
    },

    areUnused: () => unused.one(ns) !== undefined,

    any: () => known().size > 0,

    ranks: (queue) => known().get(queue) ?? NONE,

    tidy() {
      for (const { queue, rank } of unused.all<{ queue: number; rank: number }>(ns)) {
        removeLines.run(queue, rank)
        removeShelf.run(queue, rank)
      }
      shelves = undefined
    },

    forget() {
      shelves = undefined
    },
  }
}
