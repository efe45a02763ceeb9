import type { Inspector, LiveTask, QueueCounts } from "../../core/contracts/inspector.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { stateOf, statusOf } from "../../core/task/live.ts"
import { createDeadLetters } from "./dead-letters.ts"
import { endCancelled } from "./endings.ts"
import { matches } from "./results.ts"
import { copy, type Live, type Store } from "./store.ts"

export function createInspector(store: Store, clock: Clock): Inspector {
  const shown = (task: Live): LiveTask => ({
    status: copy(statusOf(task, clock.now())),
    envelope: task.envelope,
  })

  const count = (queue: string): QueueCounts => {
    const now = clock.now()
    const tasks = [...store.live.values()].filter((task) => task.envelope.queue === queue)
    const of = (state: string) => tasks.filter((task) => stateOf(task, now) === state)
    const ready = of("queued")
    return {
      queue,
      ready: ready.length,
      scheduled: of("scheduled").length,
      running: of("running").length,
      retrying: of("retrying").length,
      dead: [...store.dead.values()].filter(({ letter }) => letter.queue === queue).length,
      paused: store.paused.has(queue),
      ...(ready.length > 0 && {
        oldestReadyAt: ready.map((task) => task.dueAt).reduce((a, b) => Math.min(a, b)),
      }),
    }
  }

  return {
    async queues() {
      const names = new Set([
        ...[...store.live.values()].map((task) => task.envelope.queue),
        ...[...store.dead.values()].map(({ letter }) => letter.queue),
        ...store.paused,
      ])
      return [...names].sort().map(count)
    },

    async ended() {
      const counts = { succeeded: 0, failed: 0, cancelled: 0, expired: 0 }
      for (const { state } of store.statuses.values()) if (state in counts) counts[state as "failed"] += 1
      return counts
    },

    async find(ids) {
      return ids.map((id) => {
        const task = store.live.get(id)
        return task && shown(task)
      })
    },

    async list(filter) {
      return [...store.live.values()]
        .sort((a, b) => a.dueAt - b.dueAt)
        .filter((task) => matches(filter, statusOf(task, clock.now()), task.dueAt))
        .slice(0, filter.limit)
        .map(shown)
    },

    async pause(queue) {
      const changed = !store.paused.has(queue)
      store.paused.add(queue)
      return changed
    },

    async resume(queue) {
      const changed = store.paused.delete(queue)
      store.bell.ring()
      return changed
    },

    async purge(queue, max) {
      const waiting = [...store.live.values()]
        .filter((task) => task.envelope.queue === queue && task.until === undefined)
        .slice(0, max)
      for (const task of waiting) endCancelled(store, task, clock.now())
      store.bell.ring()
      return waiting.length
    },

    async forgetKeys(max) {
      const now = clock.now()
      const free = [...store.keys].filter(([, { id, until = 0 }]) => until <= now && !store.live.has(id))
      for (const [key] of free.slice(0, max)) store.keys.delete(key)
      return Math.min(free.length, max)
    },

    deadLetters: createDeadLetters(store, clock),
  }
}
