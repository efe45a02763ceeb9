import type { DeadLetterFilter, DeadLetters } from "../../core/contracts/inspector.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { encodeEnvelope } from "../../core/task/envelope.ts"
import type { Failure } from "../../core/task/failure.ts"
import { aloneOf, membershipOf } from "../../core/task/group.ts"
import type { Replay } from "../../core/task/status.ts"
import { fairValues } from "./flow-values.ts"
import { readEnvelope, replaysOf } from "./rows.ts"
import { numbers, plain, soughtIds, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

interface DeadRow {
  readonly id: string
  readonly name: string
  readonly task: string
  readonly died: string
  readonly token: number
  readonly attempts: number
  readonly error: string
  readonly replays: string | null
  readonly envelope: string
}

const ROWS = "SELECT d.*, q.name FROM stem.dead_letters d JOIN stem.queues q USING (queue)"

const MATCHING = `d.ns = $1 AND died >= $2 AND died < $3 AND ($4::text IS NULL OR q.name = $4)
  AND ($5::text IS NULL OR task = $5) AND ($6::text IS NULL OR strpos(sought, $6) > 0)`

const COUNTED = "SELECT count(*)::integer AS n FROM"

export function createDeadLetters({ work, desk, bell, clock, ns }: Store): DeadLetters {
  const list = desk.sql(`${ROWS} WHERE ${MATCHING} ORDER BY died DESC, id DESC LIMIT $7`)
  const count = desk.sql(`${COUNTED} stem.dead_letters d JOIN stem.queues q USING (queue) WHERE ${MATCHING}`)
  const byId = desk.sql(`${ROWS} WHERE d.ns = $1 AND d.id = ANY (stem.texts($2))`)
  const purge = desk.sql(
    `WITH gone AS (DELETE FROM stem.dead_letters WHERE ns = $1 AND id = ANY (stem.texts($2)) RETURNING 1)
     ${COUNTED} gone`,
  )
  const prune = desk.sql(
    `WITH gone AS (DELETE FROM stem.dead_letters WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM stem.dead_letters WHERE ns = $1 AND died < $2 ORDER BY died, id LIMIT $3)) RETURNING 1)
     ${COUNTED} gone`,
  )
  // The token is the proof that the letter is the one that was read: it may have been replayed and have died again.
  const revive = work.sql(
    `WITH back AS (
       DELETE FROM stem.dead_letters d
       USING unnest(stem.texts($2), $3::integer[], $4::bigint[], stem.texts($5), stem.texts($6),
         stem.texts($7), $8::integer[]) WITH ORDINALITY AS r (id, token, due, replays, envelope, fair, cost, place)
       WHERE d.ns = $1 AND d.id = r.id AND d.token = r.token
       RETURNING d.id, d.task, d.queue, d.rank, d.token, r.due, r.replays, coalesce(r.envelope, d.envelope) AS envelope,
         r.fair, r.cost, r.place
     ), forgotten AS (
       DELETE FROM stem.statuses s USING back WHERE s.ns = $1 AND s.id = back.id
     ), live AS (
       INSERT INTO stem.tasks (ns, id, task, queue, rank, due, token, replays, envelope, fair, cost)
       SELECT $1::integer, id, task, queue, rank, due, token, replays, envelope, fair, cost FROM back ORDER BY place
       ON CONFLICT (ns, id) DO NOTHING RETURNING id
     ), told AS (
       INSERT INTO stem.fair_news (queue, rank, key, due) SELECT queue, rank, fair, due FROM back WHERE fair IS NOT NULL
     )
     SELECT id, stem.ring($1, 0) FROM live`,
  )

  const letterOf = (row: DeadRow): DeadLetter => {
    const envelope = readEnvelope(row.envelope)
    return {
      id: row.id,
      task: row.task,
      queue: row.name,
      error: JSON.parse(row.error) as Failure,
      attempts: row.attempts,
      diedAt: Number(row.died),
      ...(envelope instanceof Error ? { raw: row.envelope } : { envelope }),
      replays: replaysOf(row),
    }
  }

  const valuesOf = ({ queue, task, error, since, until }: Omit<DeadLetterFilter, "limit">) =>
    [
      ...([ns, since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER] as const),
      ...([queue ?? null, task ?? null, error === undefined ? null : plain(error.toLowerCase())] as const),
    ] as const

  return {
    async list(filter) {
      return (await list.all<DeadRow>(...valuesOf(filter), filter.limit)).map(letterOf)
    },

    async count(filter) {
      return (await count.one<{ n: number }>(...valuesOf(filter)))?.n ?? 0
    },

    async get(id) {
      const row = await byId.one<DeadRow>(ns, soughtIds([id]))
      return row && letterOf(row)
    },

    async replay(asks) {
      const now = clock.now()
      const rows = new Map(
        (await byId.all<DeadRow>(ns, soughtIds(asks.map(({ id }) => id)))).map((row) => [row.id, row]),
      )
      const taken = asks.flatMap(({ id, dueAt, edit, rejoin }) => {
        const row = rows.get(id)
        const envelope = row && readEnvelope(row.envelope)
        if (!envelope || envelope instanceof Error) return []
        rows.delete(id)
        const died: Replay = {
          at: now,
          diedAt: Number(row.died),
          error: (JSON.parse(row.error) as Failure).message,
        }
        const replays = JSON.stringify([...replaysOf(row), died])
        const own = rejoin || !membershipOf(envelope) ? envelope : aloneOf(envelope)
        const edited = edit ? { ...own, input: edit.input } : own
        const text = edited === envelope ? undefined : encodeEnvelope(edited)
        return [{ id, token: row.token, dueAt, replays, text, envelope }]
      })
      if (taken.length === 0) return []
      const live = await revive.all<{ id: string }>(
        ...([ns, texts(taken.map(({ id }) => id)), numbers(taken.map(({ token }) => token))] as const),
        ...([numbers(taken.map(({ dueAt }) => dueAt)), texts(taken.map(({ replays }) => replays))] as const),
        ...([
          texts(taken.map(({ text }) => text)),
          ...fairValues(taken.map(({ envelope }) => envelope)),
        ] as const),
      )
      bell.ring("work")
      const back = new Set(live.map(({ id }) => id))
      return taken.flatMap(({ id }) => (back.has(id) ? [id] : []))
    },

    async purge(ids) {
      return (await purge.one<{ n: number }>(ns, soughtIds(ids)))?.n ?? 0
    },

    async prune(before, max) {
      return (await prune.one<{ n: number }>(ns, before, max))?.n ?? 0
    },
  }
}
