import type { Millis } from "../../core/kit/clock.ts"
import { type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import { type Arrival, type Group, groupStateOf } from "../../core/task/group.ts"
import type { Intake } from "./intake.ts"
import type { Store } from "./store.ts"

/**
 * Opening groups and counting who arrives; inside a transaction only. Counts are kept in hand until the transaction
 * ends and written once for each group, however many of its members have arrived.
 */
export interface Joins {
  /** Opens a group, given with its text, unless it is known; counts who came before it. */
  open(group: Group, text: string, now: Millis): void
  /** Counts a member, once for each index; a success may follow a failure. */
  arrive(arrival: ReadyArrival, now: Millis): void
  /** Counts a group's members anew and sends what is to be sent; answers the counts if there was something. */
  recount(id: string, now: Millis): { arrived: number; failed: number } | undefined
  /** To be called before the commit, and before the tables are read within a transaction. */
  flush(): void
  /** To be called after a transaction: what was in hand is written or void. */
  forget(): void
}

/** An arrival with its text, so that the transaction does nothing but store. */
export interface ReadyArrival extends Pick<Arrival, "group" | "index" | "ok"> {
  readonly text: string
}

export function readyArrival({ group, index, ...rest }: Arrival): ReadyArrival {
  return { group, index, ok: rest.ok, text: JSON.stringify(rest) }
}

/** The stored text of a group; undefined for one that can not be read. */
export function readGroup(text: string): Partial<Group> | undefined {
  try {
    return JSON.parse(text) as Partial<Group>
  } catch {
    return undefined
  }
}

/** A row of `groups`; `size` is null as long as only members are there. */
interface Joined {
  readonly number: number
  size: number | null
  tolerate: number
  opened: Millis | null
  arrived: number
  failed: number
  broke: number
  complete: number
  ended: Millis | null
  over: Millis | null
  changed?: boolean
}

export function createJoins({ connection: { sql }, ns }: Store, intake: Intake): Joins {
  const find = sql(
    `SELECT number, size, tolerate, opened, arrived, failed, broke, complete, ended, over
     FROM groups WHERE ns = ?1 AND id = ?2`,
  )
  const insert = sql("INSERT INTO groups (ns, id) VALUES (?1, ?2)")
  const write = sql(
    `UPDATE groups SET size = ?2, tolerate = ?3, opened = ?4, arrived = ?5, failed = ?6, broke = ?7, complete = ?8,
       ended = ?9, open = ?10, over = ?11 WHERE number = ?1`,
  )
  const define = sql("INSERT INTO group_definitions (number, definition) VALUES (?1, ?2)")
  const definition = sql("SELECT definition FROM group_definitions WHERE number = ?1")
  const come = sql(
    "INSERT INTO arrivals (number, place, ok, arrival) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
  )
  const comeAgain = sql(
    "UPDATE arrivals SET ok = 1, arrival = ?3 WHERE number = ?1 AND place = ?2 AND ok = 0",
  )
  const count = sql("SELECT count(*) AS arrived, sum(ok = 0) AS failed FROM arrivals WHERE number = ?1")

  const inHand = new Map<string, Joined>()

  function joinedOf(id: string): Joined {
    const known = inHand.get(id)
    if (known) return known
    let row = find.one<Joined>(ns, id)
    if (!row) {
      insert.run(ns, id)
      row = find.one<Joined>(ns, id) as Joined
    }
    inHand.set(id, row)
    return row
  }

  const stateOf = ({ size, tolerate, arrived, failed }: Joined) =>
    size === null ? "open" : groupStateOf({ size, tolerate }, arrived, failed)

  /** Sends what the counts say is to be sent, if it was not yet. Answers whether there was something. */
  function join(joined: Joined, now: Millis): boolean {
    joined.changed = true
    if (joined.size === null || joined.complete) return false
    const state = stateOf(joined)
    if (state === "open" || (state === "broken" && joined.broke)) return false
    const sent = sentBy(joined, state)
    // It stays owed: a sweep tells of it, and sends it once the text can be read again.
    if (!sent) return false
    joined.ended ??= now
    joined.over = joined.ended
    if (state === "broken") joined.broke = 1
    else joined.complete = 1
    for (const envelope of sent) {
      const due = { ...envelope, dueAt: Math.max(now, envelope.dueAt) }
      intake.add(due, encodeEnvelope(due), now)
    }
    return true
  }

  /** Undefined for a damaged text: a settlement is not lost with it. */
  function sentBy({ number }: Joined, state: "broken" | "complete"): readonly Envelope[] | undefined {
    const text = definition.one<{ definition: string }>(number)?.definition
    const group = text === undefined ? {} : readGroup(text)
    if (!group) return undefined
    const { body, broken = [] } = group
    return state === "broken" ? broken : body ? [body] : []
  }

  return {
    open({ id, size, tolerate = 0, openedAt }, text, now) {
      const joined = joinedOf(id)
      if (joined.size !== null) return
      Object.assign(joined, { size, tolerate, opened: openedAt, over: null })
      define.run(joined.number, text)
      join(joined, now)
    },

    arrive({ group, index, ok, text }, now) {
      const joined = joinedOf(group)
      const { number } = joined
      if (come.run(number, index, ok ? 1 : 0, text) === 1) {
        joined.arrived += 1
        if (!ok) joined.failed += 1
      } else if (ok && comeAgain.run(number, index, text) === 1) joined.failed -= 1
      else return
      if (joined.size === null) joined.over = now
      join(joined, now)
    },

    recount(id, now) {
      const joined = joinedOf(id)
      const row = count.one<{ arrived: number; failed: number | null }>(joined.number)
      const counts = { arrived: row?.arrived ?? 0, failed: row?.failed ?? 0 }
      Object.assign(joined, counts)
      return join(joined, now) ? counts : undefined
    },

    flush() {
      for (const joined of inHand.values()) {
        if (!joined.changed) continue
        joined.changed = false
        const { number, size, tolerate, opened, arrived, failed, broke, complete, ended, over } = joined
        const open = size !== null && !complete && (ended === null || stateOf(joined) === "open")
        const counts = [arrived, failed, broke, complete]
        write.run(number, size, tolerate, opened, ...counts, ended, open ? 1 : 0, over)
      }
    },

    forget: () => inHand.clear(),
  }
}
