import type { Inspector, QueueCounts } from "../../core/contracts/inspector.ts"
import type { EndState } from "../../core/task/status.ts"
import type { Cancel } from "./cancel.ts"
import { createDeadLetters } from "./dead-letters.ts"
import { createForgetKeys } from "./keys.ts"
import { listLive } from "./listing.ts"
import { createPurge } from "./purge.ts"
import { liveTask, readKnown } from "./records.ts"
import type { Store } from "./store.ts"

export function createInspector(store: Store, cancel: Cancel): Inspector {
  const { clock, prefix } = store

  return {
    async queues() {
      const parts = await store.run<(string | number)[]>("queues", [String(clock.now())])
      const counts: QueueCounts[] = []
      for (let at = 0; at < parts.length; at += 8) {
        const [queue, ready, scheduled, running, retrying, dead, paused, oldest] = parts.slice(at, at + 8)
        counts.push({
          ...{ queue: queue as string, ready: Number(ready), scheduled: Number(scheduled) },
          ...{
            running: Number(running),
            retrying: Number(retrying),
            dead: Number(dead),
            paused: paused === 1,
          },
          ...(oldest !== "" && { oldestReadyAt: Number(oldest) }),
        })
      }
      return counts.sort((a, b) => (a.queue < b.queue ? -1 : 1))
    },

    async ended() {
      const counts = await store.use((client) => client.hgetall(`${prefix}ends`))
      const of = (state: EndState) => Number(counts[state] ?? 0)
      return {
        succeeded: of("succeeded"),
        failed: of("failed"),
        cancelled: of("cancelled"),
        expired: of("expired"),
      }
    },

    async find(ids) {
      const now = clock.now()
      return (await readKnown(store, ids)).map((known) => liveTask(known, now))
    },

    list: (filter) => listLive(store, filter),

    pause: async (queue) => (await store.run<number>("pause", [queue, "1"])) === 1,
    resume: async (queue) => (await store.run<number>("pause", [queue, "0"])) === 1,

    purge: createPurge(store, cancel),
    forgetKeys: createForgetKeys(store),

    deadLetters: createDeadLetters(store),
  }
}
