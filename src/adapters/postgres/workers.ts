import {
  type Answer,
  type Command,
  LOST_KEPT,
  MAILBOX,
  type Presence,
  type WorkerRegistry,
} from "../../core/contracts/workers.ts"
import { texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

export function createWorkers(store: Store): WorkerRegistry {
  const { clock, desk, bell, ns } = store
  const beat = desk.sql(
    `INSERT INTO stem.workers (ns, id, until, presence) VALUES ($1, $2, $3, $4)
     ON CONFLICT (ns, id) DO UPDATE SET until = excluded.until, presence = excluded.presence`,
  )
  const forget = desk.sql("DELETE FROM stem.workers WHERE ns = $1 AND until <= $2")
  const alive = desk.sql("SELECT presence FROM stem.workers WHERE ns = $1 AND until > $2")
  const leave = desk.sql("DELETE FROM stem.workers WHERE ns = $1 AND id = $2")
  const empty = desk.sql(
    "DELETE FROM stem.commands WHERE ns = $1 AND worker = $2 RETURNING id, until, command",
  )
  const any = desk.sql("SELECT 1 AS one FROM stem.commands WHERE ns = $1 AND worker = $2 LIMIT 1")
  const send = desk.sql(
    `WITH put AS (
       INSERT INTO stem.commands (ns, worker, id, until, command)
       SELECT $1::integer, w, $3, $4, $5 FROM unnest(stem.texts($2)) AS w
       ON CONFLICT (ns, worker, id) DO UPDATE SET until = excluded.until, command = excluded.command
     )
     SELECT stem.ring_class($1, 1400136048, '4')`,
  )
  const bound = desk.sql(
    `DELETE FROM stem.commands c USING unnest(stem.texts($2)) AS w
     WHERE c.ns = $1 AND c.worker = w AND c.id <= (
       SELECT o.id FROM stem.commands o WHERE o.ns = $1 AND o.worker = w ORDER BY o.id DESC LIMIT 1 OFFSET $3)`,
  )
  const expire = desk.sql("DELETE FROM stem.commands WHERE ns = $1 AND until <= $2")
  const answer = desk.sql(
    `INSERT INTO stem.answers (ns, command, worker, until, answer) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (ns, command, worker) DO UPDATE SET until = excluded.until, answer = excluded.answer`,
  )
  const answers = desk.sql(
    "SELECT answer FROM stem.answers WHERE ns = $1 AND command = $2 AND until > $3 ORDER BY worker",
  )
  const expireAnswers = desk.sql("DELETE FROM stem.answers WHERE ns = $1 AND until <= $2")

  return {
    async beat(presence, ttlMs) {
      const now = clock.now()
      const [, , posted] = await Promise.all([
        forget.all(ns, now - LOST_KEPT),
        beat.all(ns, presence.id, now + ttlMs, JSON.stringify(presence)),
        empty.all<{ id: string; until: string; command: string }>(ns, presence.id),
      ])
      return posted
        .filter(({ until }) => Number(until) > now)
        .sort((a, b) => compare(a.id, b.id))
        .map(({ command }) => JSON.parse(command) as Command)
    },

    async list(since = clock.now()) {
      const rows = await alive.all<{ presence: string }>(ns, since)
      return rows
        .map(({ presence }) => JSON.parse(presence) as Presence)
        .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
    },

    async leave(id) {
      await Promise.all([leave.all(ns, id), empty.all(ns, id)])
    },

    async send(command, to) {
      const now = clock.now()
      const workers = texts([...new Set(to)])
      await Promise.all([
        expire.all(ns, now),
        expireAnswers.all(ns, now),
        send.all(ns, workers, command.id, command.expiresAt, JSON.stringify(command)),
        bound.all(ns, workers, MAILBOX),
      ])
      bell.ring("commands")
    },

    async answer(given) {
      await answer.all(ns, given.command, given.worker, given.until, JSON.stringify(given))
    },

    async answers(command) {
      const rows = await answers.all<{ answer: string }>(ns, command, clock.now())
      return rows.map((row) => JSON.parse(row.answer) as Answer)
    },

    wait: (id, until, signal) =>
      bell.attend("commands", async () => {
        while (!signal.aborted && !store.closed) {
          const heard = bell.heard("commands")
          const waiting = (await any.all(ns, id)).length > 0
          const now = clock.now()
          if (waiting || until <= now) return
          await bell.next("commands", heard, until - now, signal)
        }
      }),
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
