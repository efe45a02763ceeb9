import {
  BY_HAND,
  type ByHand,
  type FiringRecord,
  HISTORY,
  type SchedulePut,
  type ScheduleStore,
  type ScheduleStored,
  type ScheduleTurn,
  type Sent,
  type StoredSchedule,
} from "../../core/contracts/schedules.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { add } from "./intake.ts"
import { copy, type Kept, type Store } from "./store.ts"

const byName = (a: { schedule: Schedule }, b: { schedule: Schedule }) =>
  a.schedule.name < b.schedule.name ? -1 : 1

/** Schedules in a Map, looked through from beginning to end. */
export function createSchedules(store: Store, clock: Clock, closing: AbortSignal): ScheduleStore {
  const { schedules } = store

  /** When it may be claimed; a lease hides it until it has run out. */
  const wakeOf = ({ paused, until, dueAt }: Kept): Millis =>
    paused ? Number.POSITIVE_INFINITY : (until ?? dueAt ?? Number.POSITIVE_INFINITY)

  const nextWake = () =>
    [...schedules.values()].map(wakeOf).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)

  const changed = <T>(answer: T): T => {
    store.bell.ring()
    return answer
  }

  /** Whoever holds it holds it no more. */
  const takeBack = (kept: Kept) => {
    kept.token += 1
    kept.until = undefined
  }

  function put({ schedule, cadence, nextAt }: SchedulePut): ScheduleStored {
    const { name, source } = schedule
    const known = schedules.get(name)
    if (!known) {
      const state = { ...(nextAt !== undefined && { nextAt }), runs: 0, failures: 0, open: [] }
      schedules.set(name, {
        schedule: copy(schedule),
        cadence,
        state,
        dueAt: nextAt,
        token: 0,
        firings: new Map(),
      })
      return { kind: "added", name }
    }
    const theirs = known.schedule.source
    if (theirs !== source && (theirs === BY_HAND || source === BY_HAND))
      return { kind: "taken", name, source: theirs }
    if (JSON.stringify(known.schedule) === JSON.stringify(schedule)) return { kind: "same", name }
    known.schedule = copy(schedule)
    if (known.cadence !== cadence) {
      known.cadence = cadence
      known.state = { ...known.state, nextAt, held: undefined }
      known.dueAt = nextAt
      takeBack(known)
    }
    return { kind: "changed", name }
  }

  function record(kept: Kept, nominalAt: Millis, fact: FiringRecord): void {
    kept.firings.set(nominalAt, copy(fact))
    if (kept.firings.size > HISTORY) kept.firings.delete(Math.min(...kept.firings.keys()))
  }

  function commit({ lease, firings, state, wakeAt, pause }: ScheduleTurn) {
    const kept = schedules.get(lease.id)
    if (!kept || kept.until === undefined || kept.token !== lease.token) return { kind: "stale" as const }
    const now = clock.now()
    const answers = firings.map((firing) => {
      const { nominalAt, firedAt } = firing
      const before = kept.firings.get(nominalAt)
      if (before && (before.id !== undefined || "skipped" in firing)) return "duplicate" as const
      const fact = { nominalAt, firedAt, latenessMs: firedAt - nominalAt }
      if ("skipped" in firing) {
        record(kept, nominalAt, { ...fact, skipped: firing.skipped })
        return "skipped" as const
      }
      record(kept, nominalAt, { ...fact, id: idOf(firing) })
      return send(firing)
    })
    kept.state = copy(state)
    kept.dueAt = wakeAt
    kept.until = undefined
    if (pause !== undefined) kept.paused = { at: now, why: pause }
    return { kind: "committed" as const, firings: answers }
  }

  function fire(firing: ByHand) {
    const { name, nominalAt, firedAt } = firing
    const kept = schedules.get(name)
    if (!kept) return "missing" as const
    if (kept.firings.get(nominalAt)?.id !== undefined) return "duplicate" as const
    record(kept, nominalAt, {
      ...{ nominalAt, firedAt, latenessMs: firedAt - nominalAt, id: idOf(firing), byHand: true },
    })
    return send(firing)
  }

  const idOf = (sent: Sent) => ("envelope" in sent ? sent.envelope.id : sent.id)

  const send = (sent: Sent) =>
    "envelope" in sent && add(store, sent.envelope, clock.now()).kind === "duplicate" ? "duplicate" : "fired"

  const shown = ({ schedule, state, paused }: Kept): StoredSchedule => ({
    schedule,
    state: copy(state),
    ...(paused && { paused }),
  })

  return {
    put: async (puts) => changed(puts.map(put)),

    async sync(source, puts) {
      const stored = puts.map(put)
      const names = new Set(puts.map(({ schedule }) => schedule.name))
      const gone = [...schedules.values()].filter(
        ({ schedule }) => schedule.source === source && !names.has(schedule.name),
      )
      const removed = gone.map(({ schedule }) => schedule.name).sort()
      for (const name of removed) schedules.delete(name)
      return changed({ stored, removed })
    },

    remove: async (names) => changed([...new Set(names)].filter((name) => schedules.delete(name))),

    async get(names) {
      return names.map((name) => {
        const kept = schedules.get(name)
        return kept && shown(kept)
      })
    },

    list: async () => [...schedules.values()].sort(byName).map(shown),

    async pause(name, why) {
      const kept = schedules.get(name)
      if (!kept || kept.paused) return false
      kept.paused = { at: clock.now(), why }
      takeBack(kept)
      return changed(true)
    },

    async resume(name, nextAt) {
      const kept = schedules.get(name)
      if (!kept?.paused) return false
      kept.paused = undefined
      kept.state = { ...kept.state, nextAt, held: undefined, failures: 0 }
      kept.dueAt = nextAt
      return changed(true)
    },

    async recall(names) {
      for (const name of names) {
        const kept = schedules.get(name)
        if (!kept || kept.paused) continue
        takeBack(kept)
        kept.dueAt = clock.now()
      }
      changed(undefined)
    },

    async claim({ max, holder, leaseMs }) {
      const now = clock.now()
      const due = [...schedules.values()]
        .filter((kept) => wakeOf(kept) <= now)
        .sort((a, b) => wakeOf(a) - wakeOf(b) || byName(a, b))
        .slice(0, max)
        .map((kept) => {
          kept.token += 1
          kept.until = now + leaseMs
          const { schedule, state, token, until } = kept
          return {
            schedule,
            state: copy(state),
            lease: { id: schedule.name, holder, token, expiresAt: until },
          }
        })
      if (due.length === max) return { due }
      const wakeAt = nextWake()
      return { due, ...(wakeAt < Number.POSITIVE_INFINITY && { wakeAt }) }
    },

    commit: async (turns) => changed(turns.map(commit)),

    fire: async (firings) => changed(firings.map(fire)),

    async history(name, limit) {
      const firings = [...(schedules.get(name)?.firings.values() ?? [])]
      return firings.sort((a, b) => b.nominalAt - a.nominalAt).slice(0, limit)
    },

    async wait(until, signal) {
      const stop = AbortSignal.any([signal, closing])
      while (!stop.aborted) {
        const now = clock.now()
        const wake = nextWake()
        if (wake <= now || until <= now) return
        await store.bell.next(clock, Math.min(wake, until) - now, stop)
      }
    },
  }
}
