import type { Clock, Millis } from "../../core/kit/clock.ts"
import { alarm } from "../../core/kit/deadline.ts"
import type { Link } from "../../core/kit/link.ts"
import type { Client } from "./connection.ts"

/** Brings the hints that the scripts publish to those who wait for them. */
export interface Bell {
  /** Listens for topics, `q` and a queue's name, `t` and a task's id or `s` for schedules, until it is closed. */
  listen(topics: readonly string[]): Ear
  /** Makes sure that hints arrive. Throws `unavailable` when the server is away. */
  ready(): Promise<void>
  /** Wakes everybody: what was heard may have been missed. */
  ringAll(): void
  close(): void
}

/** Hears from the moment it was made: nothing between looking and waiting is missed. */
export interface Ear {
  /** To be called before looking: only what comes after it wakes. */
  rest(): void
  /** Resolves as soon as something was heard, after `ms`, or when the signal aborts: true when a task is ready. */
  next(ms: Millis, signal?: AbortSignal): Promise<boolean>
  close(): void
}

/** The safety net, should a hint be lost. */
const POLL_MS = 1000

export function createBell(link: Link<Client>, channel: string, clock: Clock): Bell {
  const topics = new Map<string, Set<(ready: boolean) => void>>()
  const subscribed = new WeakMap<Client, Promise<unknown>>()
  let poll: ReturnType<typeof setInterval> | undefined

  const ring = (topic: string, ready = false) => {
    for (const wake of topics.get(topic) ?? []) wake(ready)
  }
  const ringAll = () => {
    for (const topic of [...topics.keys()]) ring(topic)
  }

  const bell: Bell = {
    listen(names) {
      let heard = false
      let isReady = false
      let awake: (() => void) | undefined
      const wake = (ready: boolean) => {
        heard = true
        isReady ||= ready
        awake?.()
      }
      for (const name of names) {
        const ears = topics.get(name) ?? new Set()
        topics.set(name, ears.add(wake))
      }
      if (!poll) {
        poll = setInterval(() => topics.size > 0 && ringAll(), POLL_MS)
        poll.unref()
      }
      return {
        rest() {
          heard = false
          isReady = false
        },
        async next(ms, signal) {
          if (heard || signal?.aborted) return isReady
          const bell = alarm()
          awake = bell.ring
          signal?.addEventListener("abort", awake, { once: true })
          await clock.sleep(ms, bell)
          signal?.removeEventListener("abort", awake)
          awake = undefined
          return isReady
        },
        close() {
          for (const name of names) {
            const ears = topics.get(name)
            ears?.delete(wake)
            if (ears?.size === 0) topics.delete(name)
          }
        },
      }
    },

    ready: () =>
      link.use(async (client) => {
        let done = subscribed.get(client)
        if (!done) {
          client.on("smessage", (_channel: string, topic: string) =>
            topic.startsWith("r") ? ring(`q${topic.slice(1)}`, true) : ring(topic),
          )
          client.once("end", ringAll)
          done = client.ssubscribe(channel)
          subscribed.set(client, done)
        }
        await done
      }),

    ringAll,

    close() {
      clearInterval(poll)
      ringAll()
    },
  }
  return bell
}
