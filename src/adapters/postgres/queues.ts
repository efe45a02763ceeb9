import { type Connection, LIVE_MS } from "./connection.ts"
import { texts } from "./sql-values.ts"

/** Queues have a number in this schema; a number is never used for another queue, so it may be remembered. */
export interface Queues {
  /** The numbers of queues, which are made where they are missing. */
  ensure(names: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** The numbers of those that are known, in order, each once. */
  known(names: readonly string[]): Promise<number[]>
  /** The name of a queue whose number came from one of the above. */
  nameOf(queue: number): string
  /** False when it was so already. */
  setPaused(name: string, paused: boolean): Promise<boolean>
  /** To be called for a new connection: what is behind it may be another database. */
  forget(): void
}

type Row = { queue: number; name: string }

export function createQueues(work: Connection, ns: number): Queues {
  const numbers = new Map<string, number>()
  const names = new Map<number, string>()
  const find = work.sql(
    "SELECT queue, name FROM stem.queues WHERE ns = $1 AND name = ANY (stem.texts($2))",
    LIVE_MS,
  )
  const insert = work.sql(
    `INSERT INTO stem.queues (ns, name) SELECT $1::integer, name FROM unnest(stem.texts($2)) AS name ORDER BY name
     ON CONFLICT DO NOTHING`,
  )
  const pause = work.sql(
    "UPDATE stem.queues SET paused = $3 WHERE ns = $1 AND name = $2 AND paused <> $3 RETURNING queue",
  )

  async function learn(wanted: readonly string[]): Promise<void> {
    const missing = wanted.filter((name) => !numbers.has(name))
    if (missing.length === 0) return
    for (const { queue, name } of await find.all<Row>(ns, texts(missing))) {
      numbers.set(name, queue)
      names.set(queue, name)
    }
  }

  const queues: Queues = {
    async ensure(wanted) {
      await learn(wanted)
      const missing = wanted.filter((name) => !numbers.has(name))
      if (missing.length > 0) {
        await insert.all(ns, texts(missing))
        await learn(missing)
      }
      return numbers
    },

    async known(wanted) {
      await learn(wanted)
      return [...new Set(wanted)].flatMap((name) => numbers.get(name) ?? [])
    },

    nameOf: (queue) => names.get(queue) ?? "",

    async setPaused(name, paused) {
      if (paused) await queues.ensure([name])
      return (await pause.all(ns, name, paused)).length > 0
    },

    forget() {
      numbers.clear()
      names.clear()
    },
  }
  return queues
}
