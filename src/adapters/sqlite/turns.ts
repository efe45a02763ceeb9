import type { Millis } from "../../core/kit/clock.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import { LEASE_COLUMNS, type LeaseRow } from "./rows.ts"
import type { Store } from "./store.ts"

/** What one turn costs a key of weight 1; a whole number for every weight, so that all stores count alike. */
const TURN = 1_000_000

const costOf = ({ fair }: Envelope) => Math.round(TURN / (fair?.weight ?? 1))

/** How rows are taken: leased, which answers the envelope, or buried where that can not be read. */
export interface Taking {
  lease(row: LeaseRow): Envelope | Error
  bury(row: LeaseRow, why: Error): void
}

/**
 * Takes at most so many ready tasks of a shelf in turns by key, and writes down who has spent what; inside a
 * transaction only. False where nobody with a key is ready and nobody is owed a turn: then there are no turns to take.
 */
export type TakeTurns = (queue: number, rank: number, max: number, now: Millis, taking: Taking) => boolean

/** A line that is in hand during one take. */
interface Line {
  readonly key: string
  /** The key as it is ordered: by code point, as in the index. */
  readonly name: Buffer
  spent: number
  rows: LeaseRow[]
  taken: number
  /** No more of it is ready than `rows`. */
  ended: boolean
}

export function createTurns({ connection: { sql } }: Store): TakeTurns {
  const on = "queue = ?1 AND rank = ?2"
  const shelf = sql(`SELECT last, top, turning FROM fair_shelves WHERE ${on}`)
  const keepShelf = sql(`UPDATE fair_shelves SET last = ?3, top = ?4, turning = ?5 WHERE ${on}`)
  const wake = sql(
    `UPDATE fair_lines SET ready = 1, due = NULL, spent = max(spent, ?4)
     WHERE ${on} AND ready = 0 AND due IS NOT NULL AND due <= ?3`,
  )
  const front = sql(
    `SELECT key, spent FROM fair_lines WHERE ${on} AND ready = 1 ORDER BY spent, key LIMIT ?3`,
  )
  const keyed = sql(
    `SELECT key, spent FROM fair_lines WHERE ${on} AND ready = 1 AND key > '' ORDER BY spent, key LIMIT 1`,
  )
  const spend = sql(`UPDATE fair_lines SET spent = ?4 WHERE ${on} AND key = ?3`)
  const rest = sql(
    `UPDATE fair_lines SET spent = ?4, ready = 0, due = (SELECT min(due) FROM tasks INDEXED BY tasks_fair
       WHERE ${on} AND fair = ?3 AND until IS NULL) WHERE ${on} AND key = ?3`,
  )
  const restAll = sql(
    `UPDATE fair_lines SET ready = 0, due = (SELECT min(t.due) FROM tasks AS t INDEXED BY tasks_fair
       WHERE t.queue = ?1 AND t.rank = ?2 AND t.fair = key AND t.until IS NULL) WHERE ${on} AND ready = 1`,
  )
  const forget = sql(`DELETE FROM fair_lines WHERE ${on} AND ready = 0 AND due IS NULL AND spent <= ?3`)
  const waiting = sql(
    `SELECT ${LEASE_COLUMNS} FROM tasks INDEXED BY tasks_fair
     WHERE ${on} AND fair = ?3 AND until IS NULL AND due <= ?4 ORDER BY due, seq LIMIT ?5`,
  )
  const anyReady = sql(`SELECT 1 FROM tasks WHERE ${on} AND until IS NULL AND due <= ?3 LIMIT 1`)

  return (queue, rank, max, now, { lease, bury }) => {
    if (!anyReady.one(queue, rank, now)) return true
    let { last, top, turning } = shelf.one(queue, rank) as { last: number; top: number; turning: number }
    wake.run(queue, rank, now, last)
    if (!turning && !someKeyIsReady()) return false

    function someKeyIsReady(): boolean {
      while (true) {
        const line = keyed.one<Pick<Line, "key" | "spent">>(queue, rank)
        if (!line) return false
        if (waiting.one(queue, rank, line.key, now, 1)) return true
        rest.run(queue, rank, line.key, line.spent)
      }
    }

    /** The next ready row of a line; those that were read are leased before more are. */
    function nextOf(line: Line, atOnce: number): LeaseRow | undefined {
      if (line.rows.length === 0 && !line.ended) {
        line.rows = waiting.all<LeaseRow>(queue, rank, line.key, now, atOnce)
        line.ended = line.rows.length < atOnce
      }
      return line.rows.shift()
    }

    function keep(line: Line): void {
      if (line.ended && line.rows.length === 0) rest.run(queue, rank, line.key, line.spent)
      else if (line.taken > 0) spend.run(queue, rank, line.key, line.spent)
    }

    /**
     * Takes from the lines in front, as many as there can be turns: nobody behind them is next before each of them
     * had a turn or turned out to be empty. Ends at a row that can not be read. Answers how many it took.
     */
    function takeFromFront(room: number): number {
      const all = front.all<Pick<Line, "key" | "spent">>(queue, rank, room).map(
        ({ key, spent }): Line => ({
          key,
          name: Buffer.from(key),
          spent,
          rows: [],
          taken: 0,
          ended: false,
        }),
      )
      // One more than a line's share tells whether that was all of it.
      const atOnce = Math.ceil(room / all.length) + 1
      const lines = [...all]
      let [taken, empty] = [0, 0]
      let unreadable: { row: LeaseRow; why: Error } | undefined
      while (taken + empty < room && lines.length > 0) {
        const line = lines.shift() as Line
        const row = nextOf(line, atOnce)
        if (!row) {
          if (line.taken === 0) empty += 1
          continue
        }
        const envelope = lease(row)
        if (envelope instanceof Error) {
          unreadable = { row, why: envelope }
          line.ended = false
          break
        }
        last = line.spent
        line.spent += costOf(envelope)
        top = Math.max(top, line.spent)
        line.taken += 1
        taken += 1
        lines.splice(placeOf(line, lines), 0, line)
      }
      for (const line of all) keep(line)
      if (unreadable) bury(unreadable.row, unreadable.why)
      return taken
    }

    let left = max
    while (left > 0 && front.one(queue, rank, 1)) left -= takeFromFront(left)
    const over = left < max && !anyReady.one(queue, rank, now)
    if (over) {
      // Nobody waits: all are equal again, for none has spent more than the last.
      last = top
      restAll.run(queue, rank)
    }
    keepShelf.run(queue, rank, last, top, over ? 0 : 1)
    forget.run(queue, rank, last)
    return true
  }
}

/** Where a line belongs among others, which are in order: by what it has spent, then by name. */
function placeOf(line: Line, others: readonly Line[]): number {
  let [from, to] = [0, others.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (isBefore(line, others[middle] as Line)) to = middle
    else from = middle + 1
  }
  return from
}

const isBefore = (a: Line, b: Line) =>
  a.spent < b.spent || (a.spent === b.spent && Buffer.compare(a.name, b.name) < 0)
