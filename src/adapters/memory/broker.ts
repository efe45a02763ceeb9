import type { Broker, Cancelled, ReserveAsk } from "../../core/contracts/broker.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { Delivery } from "../../core/task/lease.ts"
import { endCancelled } from "./endings.ts"
import { openGroup } from "./groups.ts"
import { add } from "./intake.ts"
import { settleOne } from "./settle.ts"
import { copy, knownState, type Live, type Store } from "./store.ts"
import { inTurns } from "./turns.ts"

/** Tasks in a Map, looked through from beginning to end: the plainest broker there can be. */
export function createBroker(store: Store, clock: Clock, closing: AbortSignal): Broker {
  const waiting = (queue: string) =>
    store.paused.has(queue)
      ? []
      : [...store.live.values()].filter((task) => task.envelope.queue === queue && task.until === undefined)

  /** What is ready of a queue, by priority, the highest first. */
  const shelvesOf = (queue: string, now: number) => {
    const shelves = new Map<string, Live[]>()
    for (const task of waiting(queue).sort(byPriorityThenDue)) {
      if (task.dueAt > now) continue
      const shelf = `${queue} ${task.envelope.priority}`
      const tasks = shelves.get(shelf)
      if (tasks) tasks.push(task)
      else shelves.set(shelf, [task])
    }
    return shelves
  }

  const leased = (queue: string) =>
    store.paused.has(queue)
      ? []
      : [...store.live.values()].filter((task) => task.envelope.queue === queue && task.until !== undefined)

  const lease = (task: Live, { holder, leaseMs }: ReserveAsk, reclaimed: boolean): Delivery => {
    const now = clock.now()
    task.token += 1
    task.holder = holder
    task.until = now + leaseMs
    task.startedAt = now
    return {
      envelope: task.envelope,
      lease: { id: task.envelope.id, holder, token: task.token, expiresAt: task.until },
      attempt: task.attempts + 1,
      reclaimed,
      replays: task.replays,
    }
  }

  const changed = <T>(answer: T): T => {
    store.bell.ring()
    return answer
  }

  return {
    async enqueue(envelopes, groups = []) {
      const now = clock.now()
      const answers = envelopes.map((envelope) => add(store, envelope, now))
      for (const group of groups) openGroup(store, group, now)
      return changed(answers)
    },

    async reserve(ask) {
      const now = clock.now()
      const queues = [...new Set(ask.queues)]
      const taken: Live[] = []
      for (const queue of queues)
        for (const [shelf, ready] of shelvesOf(queue, now))
          if (taken.length < ask.max) taken.push(...inTurns(store, shelf, ready, ask.max - taken.length))
      const deliveries = taken.map((task) => lease(task, ask, false))
      if (deliveries.length === ask.max) return { deliveries }
      const instants = queues.flatMap((queue) => [
        ...waiting(queue).map((task) => task.dueAt),
        ...leased(queue).map((task) => task.until as number),
      ])
      return { deliveries, ...(instants.length > 0 && { wakeAt: earliest(instants) }) }
    },

    async reclaim(ask) {
      const now = clock.now()
      const deliveries: Delivery[] = []
      for (const queue of new Set(ask.queues))
        for (const task of leased(queue).sort((a, b) => Number(a.until) - Number(b.until))) {
          if (Number(task.until) > now || deliveries.length >= ask.max) break
          if (task.cancel) endCancelled(store, task, now)
          else {
            task.attempts += 1
            deliveries.push(lease(task, ask, true))
          }
        }
      return changed(deliveries)
    },

    async renew(renewals, leaseMs) {
      const expiresAt = clock.now() + leaseMs
      return renewals.map(({ lease: { id, token }, progress }) => {
        const task = store.live.get(id)
        if (task?.until === undefined || task.token !== token) return { kind: "stale" }
        task.until = expiresAt
        if (progress) task.progress = copy(progress)
        return { kind: "held", expiresAt, ...(task.cancel && { cancel: task.cancel }) }
      })
    },

    async settle(settlements) {
      return changed(settlements.map((settlement) => settleOne(store, settlement, clock.now())))
    },

    async cancel(ids, { terminate }) {
      const now = clock.now()
      const answers = ids.map((id): Cancelled => {
        const task = store.live.get(id)
        if (!task) return { id, kind: knownState(store, id, now) ? "ended" : "unknown" }
        if (task.until === undefined) return { id, kind: "cancelled", status: endCancelled(store, task, now) }
        if (task.cancel !== "terminate") task.cancel = terminate ? "terminate" : "abort"
        return { id, kind: "asked" }
      })
      return changed(answers)
    },

    async hasten(ids) {
      const now = clock.now()
      const later = ids.filter((id) => {
        const task = store.live.get(id)
        if (!task || task.until !== undefined || task.dueAt <= now) return false
        task.dueAt = now
        return true
      })
      return changed(later)
    },

    async wait(queues, until, signal) {
      const stop = AbortSignal.any([signal, closing])
      while (!stop.aborted) {
        const now = clock.now()
        const due = earliest(queues.flatMap((queue) => waiting(queue).map((task) => task.dueAt)))
        if (due <= now || until <= now) return
        await store.bell.next(clock, Math.min(due, until) - now, stop)
      }
    },
  }
}

// A Map keeps the order in which tasks were stored, and sorting keeps it among equals.
const byPriorityThenDue = (a: Live, b: Live) => b.envelope.priority - a.envelope.priority || a.dueAt - b.dueAt

const earliest = (instants: readonly number[]) =>
  instants.reduce((least, instant) => Math.min(least, instant), Number.POSITIVE_INFINITY)
