import {
  type Answer,
  type Command,
  LOST_KEPT,
  MAILBOX,
  type Presence,
  type WorkerRegistry,
} from "../../core/contracts/workers.ts"
import type { Store } from "./store.ts"

export function createWorkers(store: Store): WorkerRegistry {
  const { clock, prefix, bell, closing } = store
  const lasting = (until: number) => String(Math.ceil(until - clock.now()))
  return {
    async beat(presence, ttlMs) {
      const now = clock.now()
      const commands = await store.run<string[]>("beat", [
        ...[String(now), presence.id, String(now - LOST_KEPT), String(now + Math.round(ttlMs))],
        JSON.stringify(presence),
      ])
      return commands.map((text) => JSON.parse(text) as Command)
    },

    async list(since = clock.now()) {
      const texts = await store.use(async (client) => {
        const ids = await client.zrange(`${prefix}workers:until`, `(${since}`, "+inf", "BYSCORE")
        return ids.length === 0 ? [] : client.hmget(`${prefix}workers`, ...ids)
      })
      return texts
        .flatMap((text) => (text === null ? [] : [JSON.parse(text) as Presence]))
        .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
    },

    async leave(id) {
      await store.run("beat", [String(clock.now()), id])
    },

    async send(command, to) {
      const { id, expiresAt } = command
      const about = [id, String(expiresAt), lasting(expiresAt), JSON.stringify(command), String(MAILBOX)]
      await store.run("commandSend", [...about, ...new Set(to)])
    },

    async answer(answer) {
      const { command, worker, until } = answer
      const about = [command, worker, String(until), lasting(until)]
      await store.run("commandAnswer", [...about, JSON.stringify(answer)])
    },

    async answers(command) {
      const texts = await store.use((client) => client.hvals(`${prefix}answers:${command}`))
      return texts
        .map((text) => JSON.parse(text.slice(text.indexOf(" ") + 1)) as Answer)
        .filter(({ until }) => until > clock.now())
        .sort((a, b) => compare(a.worker, b.worker))
    },

    async wait(id, until, signal) {
      const stop = AbortSignal.any([signal, closing])
      const ear = bell.listen([`c${id}`])
      try {
        while (!stop.aborted) {
          ear.rest()
          await bell.ready()
          const waiting = await store.use((client) => client.exists(`${prefix}mail:${id}`))
          const now = clock.now()
          if (waiting === 1 || until <= now) return
          await ear.next(until - now, stop)
        }
      } catch (error) {
        if (!closing.aborted) throw error
      } finally {
        ear.close()
      }
    },
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
