import {
  type Answer,
  type Command,
  LOST_KEPT,
  MAILBOX,
  type Presence,
  type WorkerRegistry,
} from "../../core/contracts/workers.ts"
import type { Store } from "./store.ts"

/** A busy file rings a thousand times a second; a mailbox is looked into no more often than this. */
const LOOK_EVERY_MS = 20

export function createWorkers(store: Store): WorkerRegistry {
  const { commit, clock, connection, bell, ns } = store
  const { sql, patiently } = connection
  const beat = sql("INSERT OR REPLACE INTO workers (ns, id, until, presence) VALUES (?1, ?2, ?3, ?4)")
  const alive = sql("SELECT presence FROM workers WHERE ns = ?1 AND until > ?2")
  const forget = sql("DELETE FROM workers WHERE ns = ?1 AND until <= ?2")
  const leave = sql("DELETE FROM workers WHERE ns = ?1 AND id = ?2")
  const put = sql(
    "INSERT OR REPLACE INTO commands (ns, worker, id, until, command) VALUES (?1, ?2, ?3, ?4, ?5)",
  )
  const mail = sql("SELECT command FROM commands WHERE ns = ?1 AND worker = ?2 AND until > ?3 ORDER BY id")
  const any = sql("SELECT 1 FROM commands WHERE ns = ?1 AND worker = ?2 LIMIT 1")
  const empty = sql("DELETE FROM commands WHERE ns = ?1 AND worker = ?2")
  const bound = sql(
    `DELETE FROM commands WHERE ns = ?1 AND worker = ?2 AND id <= (
       SELECT id FROM commands WHERE ns = ?1 AND worker = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)`,
  )
  const expire = sql("DELETE FROM commands WHERE ns = ?1 AND until <= ?2")
  const answer = sql(
    "INSERT OR REPLACE INTO answers (ns, command, worker, until, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
  )
  const answers = sql(
    "SELECT answer FROM answers WHERE ns = ?1 AND command = ?2 AND until > ?3 ORDER BY worker",
  )
  const expireAnswers = sql("DELETE FROM answers WHERE ns = ?1 AND until <= ?2")

  return {
    beat(presence, ttlMs) {
      const text = JSON.stringify(presence)
      return commit.write(() => {
        const now = clock.now()
        forget.run(ns, now - LOST_KEPT)
        beat.run(ns, presence.id, now + ttlMs, text)
        if (!any.one(ns, presence.id)) return []
        const commands = mail.all<{ command: string }>(ns, presence.id, now)
        empty.run(ns, presence.id)
        return commands.map(({ command }) => JSON.parse(command) as Command)
      })
    },

    list: (since = clock.now()) =>
      patiently(() =>
        alive
          .all<{ presence: string }>(ns, since)
          .map((row) => JSON.parse(row.presence) as Presence)
          .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
      ),

    leave: (id) =>
      commit.write(() => {
        leave.run(ns, id)
        empty.run(ns, id)
      }),

    send(command, to) {
      const text = JSON.stringify(command)
      return commit.write(() => {
        const now = clock.now()
        expire.run(ns, now)
        expireAnswers.run(ns, now)
        for (const id of new Set(to)) {
          put.run(ns, id, command.id, command.expiresAt, text)
          bound.run(ns, id, MAILBOX)
        }
      })
    },

    answer(given) {
      const text = JSON.stringify(given)
      return commit.write(() => void answer.run(ns, given.command, given.worker, given.until, text))
    },

    answers: (command) =>
      patiently(() =>
        answers
          .all<{ answer: string }>(ns, command, clock.now())
          .map((row) => JSON.parse(row.answer) as Answer),
      ),

    async wait(id, until, signal) {
      while (!signal.aborted && !store.closed) {
        const heard = bell.heard()
        const waiting = await patiently(() => any.one(ns, id) !== undefined)
        const now = clock.now()
        if (waiting || until <= now) return
        await bell.next(heard, until - now, signal)
        // Real time: it spares the processor, not a task.
        if (!signal.aborted && !store.closed && clock.now() < until)
          await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      }
    },
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
