import type {
  ClaimedSchedule,
  SchedulePut,
  ScheduleState,
  ScheduleStore,
  ScheduleStored,
  StoredSchedule,
} from "../../core/contracts/schedules.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { decodeSchedule, encodeSchedule, type Schedule } from "../../core/task/schedule.ts"
import { LIVE_MS } from "./connection.ts"
import { createFirings } from "./firings.ts"
import { plain, soughtIds, storable } from "./sql-values.ts"
import type { Store } from "./store.ts"

interface ScheduleRow {
  readonly name: string
  readonly definition: string
  readonly state: string
  readonly paused: string | null
  readonly why: string | null
}

/** A leased schedule, or the last row, which has nothing but the next instant at which one wakes. */
type ClaimRow =
  | (Pick<ScheduleRow, "name" | "definition" | "state"> & { readonly token: number })
  | { readonly name: null; readonly wake: string | null }

/** What became of a put; "removed" is of a sync, and says the name. */
type PutRow =
  | { readonly place: number; readonly kind: ScheduleStored["kind"]; readonly said: string | null }
  | { readonly place: null; readonly kind: "removed"; readonly said: string }

const COLUMNS = "name, definition, state, paused, why"

const NEVER = Number.POSITIVE_INFINITY

/** Every change is one statement, which calls a function of schedules-1.sql or firings-1.sql where it takes several. */
export function createSchedules(store: Store): ScheduleStore {
  const { work, desk, bell, clock, ns } = store
  const find = desk.sql(`SELECT ${COLUMNS} FROM stem.schedules WHERE ns = $1 AND name = ANY (stem.texts($2))`)
  const every = desk.sql(`SELECT ${COLUMNS} FROM stem.schedules WHERE ns = $1`)
  const put = desk.sql("SELECT * FROM stem.put_schedules($1, $2, $3)")
  const remove = desk.sql("SELECT stem.drop_schedules($1, stem.texts($2)) AS name")
  const pause = desk.sql(
    `UPDATE stem.schedules SET paused = $3, why = $4, wake = NULL, token = token + 1, leased = false
     WHERE ns = $1 AND name = $2 AND paused IS NULL RETURNING name`,
  )
  const resume = desk.sql(
    `WITH back AS (
       UPDATE stem.schedules SET paused = NULL, why = NULL, wake = $3,
         state = (stem.retimed(state, $3)::jsonb || '{"failures":0}')::text
       WHERE ns = $1 AND name = $2 AND paused IS NOT NULL RETURNING name
     )
     SELECT name, stem.ring_schedules($1) FROM back`,
  )
  const recall = desk.sql(
    `WITH back AS (
       UPDATE stem.schedules SET wake = $3, token = token + 1, leased = false
       WHERE ns = $1 AND name = ANY (stem.texts($2)) AND paused IS NULL RETURNING name
     )
     SELECT name, stem.ring_schedules($1) FROM back`,
  )
  const claim = work.sql("SELECT * FROM stem.claim_schedules($1, $2, $3, $4)", LIVE_MS)
  const giveUp = work.sql(
    `UPDATE stem.schedules SET paused = $4, why = $5, wake = NULL, token = token + 1, leased = false
     WHERE ns = $1 AND name = $2 AND token = $3 AND leased`,
  )
  const nextWake = work.sql(
    "SELECT min(wake) AS wake FROM stem.schedules WHERE ns = $1 AND wake IS NOT NULL",
    LIVE_MS,
  )

  async function write(puts: readonly SchedulePut[], source: string | null) {
    const list = puts.map(({ schedule, cadence, nextAt }, at) => ({
      ...{ at, name: schedule.name, source: storable(schedule.source), cadence: storable(cadence) },
      ...{ definition: encodeSchedule(schedule), next: nextAt },
    }))
    const rows = await put.all<PutRow>(ns, JSON.stringify(list), source)
    bell.ring("schedules")
    const stored: ScheduleStored[] = []
    const removed: string[] = []
    for (const row of rows) {
      if (row.kind === "removed") removed.push(row.said)
      else stored[row.place] = storedOf(row, puts[row.place] as SchedulePut)
    }
    return { stored, removed: removed.sort() }
  }

  return {
    put: async (puts) => (puts.length === 0 ? [] : (await write(puts, null)).stored),

    sync: (source, puts) => write(puts, storable(source)),

    async remove(names) {
      const rows = await remove.all<{ name: string }>(ns, soughtIds(names))
      const gone = new Set(rows.map(({ name }) => name))
      return [...new Set(names)].filter((name) => gone.has(name))
    },

    async get(names) {
      const rows = await find.all<ScheduleRow>(ns, soughtIds(names))
      const known = new Map(rows.map((row) => [row.name, row]))
      return names.map((name) => {
        const row = known.get(name)
        return row && shown(row)
      })
    },

    list: async () =>
      (await every.all<ScheduleRow>(ns))
        .flatMap((row) => shown(row) ?? [])
        .sort((a, b) => (a.schedule.name < b.schedule.name ? -1 : 1)),

    pause: async (name, why) => (await pause.all(ns, plain(name), clock.now(), storable(why))).length > 0,

    async resume(name, nextAt) {
      const resumed = (await resume.all(ns, plain(name), nextAt ?? null)).length > 0
      bell.ring("schedules")
      return resumed
    },

    async recall(names) {
      await recall.all(ns, soughtIds(names), clock.now())
      bell.ring("schedules")
    },

    async claim({ max, holder, leaseMs }) {
      const now = clock.now()
      const expiresAt = now + leaseMs
      const due: ClaimedSchedule[] = []
      let leased = 0
      let wake: Millis = NEVER
      for (const row of await claim.all<ClaimRow>(ns, now, max, expiresAt)) {
        if (row.name === null) {
          wake = instant(row.wake)
          continue
        }
        leased += 1
        const { name, token } = row
        const schedule = readSchedule(row.definition)
        if (schedule instanceof Error)
          await giveUp.all(ns, name, token, now, storable(`it can not be read: ${schedule.message}`))
        else due.push({ schedule, state: stateOf(row), lease: { id: name, holder, token, expiresAt } })
      }
      return { due, ...(leased < max && wake < NEVER && { wakeAt: wake }) }
    },

    ...createFirings(store),

    wait: (until, signal) =>
      bell.attend("schedules", async () => {
        while (!signal.aborted && !store.closed) {
          const heard = bell.heard("schedules")
          const wake = instant((await nextWake.one<{ wake: string | null }>(ns))?.wake)
          const now = clock.now()
          if (wake <= now || until <= now) return
          await bell.next("schedules", heard, Math.min(wake, until) - now, signal)
        }
      }),
  }
}

const instant = (text: string | null | undefined): Millis => (text == null ? NEVER : Number(text))

const stateOf = ({ state }: { readonly state: string }) => JSON.parse(state) as ScheduleState

function storedOf({ kind, said }: PutRow, { schedule: { name } }: SchedulePut): ScheduleStored {
  return kind === "taken"
    ? { kind, name, source: said ?? "" }
    : { kind: kind as Exclude<ScheduleStored["kind"], "taken">, name }
}

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
  const paused = row.paused === null ? {} : { paused: { at: Number(row.paused), why: row.why ?? "" } }
  return { schedule, state: stateOf(row), ...paused }
}
