import {
  BY_HAND,
  type ScheduleClaim,
  type SchedulePut,
  type ScheduleState,
  type ScheduleStore,
  type ScheduleStored,
  type StoredSchedule,
} from "../../core/contracts/schedules.ts"
import { decodeSchedule, encodeSchedule, type Schedule } from "../../core/task/schedule.ts"
import { createFirings } from "./firings.ts"
import type { Intake } from "./intake.ts"
import type { Store } from "./store.ts"

interface ScheduleRow {
  readonly name: string
  readonly source: string
  readonly cadence: string
  readonly definition: string
  readonly state: string
  readonly token: number
  readonly paused: number | null
  readonly why: string | null
}

const COLUMNS = "name, source, cadence, definition, state, token, paused, why"

export function createSchedules(store: Store, intake: Intake): ScheduleStore {
  const { commit, clock, bell, connection, ns } = store
  const { sql } = connection
  const firings = createFirings(store, intake)
  const find = sql(`SELECT ${COLUMNS} FROM schedules WHERE ns = ?1 AND name = ?2`)
  const every = sql(`SELECT ${COLUMNS} FROM schedules WHERE ns = ?1`)
  const insert = sql(
    `INSERT INTO schedules (ns, name, source, cadence, definition, state, due, wake)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)`,
  )
  const define = sql("UPDATE schedules SET source = ?3, definition = ?4 WHERE ns = ?1 AND name = ?2")
  const retime = sql(
    `UPDATE schedules SET cadence = ?3, state = ?4, due = ?5, wake = iif(paused IS NULL, ?5, NULL),
       token = token + 1, leased = 0 WHERE ns = ?1 AND name = ?2`,
  )
  const ofSource = sql("SELECT name FROM schedules WHERE ns = ?1 AND source = ?2")
  const remove = sql("DELETE FROM schedules WHERE ns = ?1 AND name = ?2")
  const pause = sql(
    `UPDATE schedules SET paused = ?3, why = ?4, wake = NULL, token = token + 1, leased = 0
     WHERE ns = ?1 AND name = ?2 AND paused IS NULL`,
  )
  const resume = sql(
    "UPDATE schedules SET paused = NULL, why = NULL, state = ?3, due = ?4, wake = ?4 WHERE ns = ?1 AND name = ?2",
  )
  const recall = sql(
    `UPDATE schedules SET wake = ?3, token = token + 1, leased = 0 WHERE ns = ?1 AND name = ?2 AND paused IS NULL`,
  )
  const nextWake = sql("SELECT min(wake) AS wake FROM schedules WHERE ns = ?1 AND wake IS NOT NULL")
  const due = sql(
    `SELECT name, definition, state, token FROM schedules WHERE ns = ?1 AND wake <= ?2 ORDER BY wake, name LIMIT ?3`,
  )
  /** Those that `due` has read: nothing comes between inside a transaction. */
  const lease = sql(
    `UPDATE schedules SET token = token + 1, leased = 1, wake = ?4 WHERE ns = ?1 AND name IN
       (SELECT name FROM schedules WHERE ns = ?1 AND wake <= ?2 ORDER BY wake, name LIMIT ?3)`,
  )

  const wakeAt = () => nextWake.one<{ wake: number | null }>(ns)?.wake ?? Number.POSITIVE_INFINITY

  function put({ schedule, cadence, nextAt }: SchedulePut, text: string): ScheduleStored {
    const { name, source } = schedule
    const known = find.one<ScheduleRow>(ns, name)
    if (!known) {
      const state = { ...(nextAt !== undefined && { nextAt }), runs: 0, failures: 0, open: [] }
      insert.run(ns, name, source, cadence, text, JSON.stringify(state), nextAt ?? null)
      return { kind: "added", name }
    }
    if (known.source !== source && (known.source === BY_HAND || source === BY_HAND))
      return { kind: "taken", name, source: known.source }
    if (known.definition === text) return { kind: "same", name }
    define.run(ns, name, source, text)
    if (known.cadence !== cadence) {
      const state = { ...stateOf(known), nextAt, held: undefined }
      retime.run(ns, name, cadence, JSON.stringify(state), nextAt ?? null)
    }
    return { kind: "changed", name }
  }

  function drop(name: string): boolean {
    firings.forget(name)
    return remove.run(ns, name) === 1
  }

  function claim(ask: { max: number; holder: string; leaseMs: number }): ScheduleClaim {
    const now = clock.now()
    const { max, holder, leaseMs } = ask
    const expiresAt = now + leaseMs
    const rows = due.all<ScheduleRow>(ns, now, max)
    lease.run(ns, now, max, expiresAt)
    const claimed = rows.flatMap((row) => {
      const schedule = readSchedule(row.definition)
      if (schedule instanceof Error) {
        pause.run(ns, row.name, now, `it can not be read: ${schedule.message}`)
        return []
      }
      const token = row.token + 1
      return { schedule, state: stateOf(row), lease: { id: row.name, holder, token, expiresAt } }
    })
    if (rows.length === max) return { due: claimed }
    const next = wakeAt()
    return { due: claimed, ...(next < Number.POSITIVE_INFINITY && { wakeAt: next }) }
  }

  return {
    put(puts) {
      const texts = puts.map(({ schedule }) => encodeSchedule(schedule))
      return commit.write(() => puts.map((one, at) => put(one, texts[at] as string)))
    },

    sync(source, puts) {
      const texts = puts.map(({ schedule }) => encodeSchedule(schedule))
      const names = new Set(puts.map(({ schedule }) => schedule.name))
      return commit.write(() => {
        const stored = puts.map((one, at) => put(one, texts[at] as string))
        const known = ofSource.all<{ name: string }>(ns, source).map(({ name }) => name)
        return { stored, removed: known.filter((name) => !names.has(name) && drop(name)).sort() }
      })
    },

    remove: (names) => commit.write(() => [...new Set(names)].filter(drop)),

    get: (names) =>
      connection.patiently(() =>
        names.map((name) => {
          const row = find.one<ScheduleRow>(ns, name)
          return row && shown(row)
        }),
      ),

    list: () =>
      connection.patiently(() =>
        every
          .all<ScheduleRow>(ns)
          .flatMap((row) => shown(row) ?? [])
          .sort((a, b) => (a.schedule.name < b.schedule.name ? -1 : 1)),
      ),

    pause: (name, why) => commit.write(() => pause.run(ns, name, clock.now(), why) === 1),

    resume: (name, nextAt) =>
      commit.write(() => {
        const row = find.one<ScheduleRow>(ns, name)
        if (row?.paused == null) return false
        const state = { ...stateOf(row), nextAt, held: undefined, failures: 0 }
        return resume.run(ns, name, JSON.stringify(state), nextAt ?? null) === 1
      }),

    recall: (names) =>
      commit.write(() => {
        const now = clock.now()
        for (const name of names) recall.run(ns, name, now)
      }),

    async claim(ask) {
      // An idle Beat only reads: it takes no lock from those who work.
      const next = await connection.patiently(wakeAt)
      if (next > clock.now()) return { due: [], ...(next < Number.POSITIVE_INFINITY && { wakeAt: next }) }
      return commit.write(() => claim(ask))
    },

    commit(turns) {
      const ready = turns.map(firings.prepare)
      return commit.write(() => {
        const now = clock.now()
        return ready.map((turn) => firings.commit(turn, now))
      })
    },

    fire(asks) {
      const ready = asks.map(firings.prepareByHand)
      return commit.write(() => {
        const now = clock.now()
        return ready.map((one) => firings.fire(one, now))
      })
    },

    history: (name, limit) => connection.patiently(() => firings.history(name, limit)),

    async wait(until, signal) {
      while (!signal.aborted && !store.closed) {
        const heard = bell.heard()
        const wake = await connection.patiently(wakeAt)
        const now = clock.now()
        if (wake <= now || until <= now) return
        await bell.next(heard, Math.min(wake, until) - now, signal)
      }
    },
  }
}

const stateOf = ({ state }: { readonly state: string }) => JSON.parse(state) as ScheduleState

function readSchedule(text: string): Schedule | Error {
  try {
    return decodeSchedule(text)
  } catch (error) {
    return error as Error
  }
}

/** One that can not be read is left out: the next claim pauses it. */
function shown(row: ScheduleRow): StoredSchedule | undefined {
  const schedule = readSchedule(row.definition)
  if (schedule instanceof Error) return undefined
  const paused = row.paused === null ? {} : { paused: { at: row.paused, why: row.why ?? "" } }
  return { schedule, state: stateOf(row), ...paused }
}
