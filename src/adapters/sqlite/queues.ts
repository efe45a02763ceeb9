import type { Connection } from "./connection.ts"

/** Queues have a number in this file; a number is never used for another queue. */
export interface Queues {
  /** The number of a queue, which is made where it is missing; inside a transaction only. */
  ensure(name: string): number
  find(name: string): number | undefined
  nameOf(queue: number): string
  /** The numbers of those that are known and not paused, in order, each once. */
  open(names: readonly string[]): number[]
  all(): readonly { queue: number; name: string; paused: boolean }[]
  /** False when it was so already; inside a transaction only. */
  setPaused(name: string, paused: boolean): boolean
  /** To be called after a rollback: what was made may be gone. */
  forget(): void
}

export function createQueues({ sql }: Connection, ns: number): Queues {
  const numbers = new Map<string, number>()
  const names = new Map<number, string>()
  const byName = sql("SELECT queue FROM queues WHERE ns = ?1 AND name = ?2")
  const byNumber = sql("SELECT name FROM queues WHERE queue = ?1")
  const unpaused = sql("SELECT queue FROM queues WHERE ns = ?1 AND name = ?2 AND paused = 0")
  const every = sql("SELECT queue, name, paused FROM queues WHERE ns = ?1")
  const insert = sql("INSERT INTO queues (ns, name) VALUES (?1, ?2) RETURNING queue")
  const pause = sql("UPDATE queues SET paused = ?2 WHERE queue = ?1 AND paused <> ?2")

  const remember = (name: string, queue: number) => {
    numbers.set(name, queue)
    names.set(queue, name)
    return queue
  }

  const queues: Queues = {
    ensure(name) {
      const known = queues.find(name)
      if (known !== undefined) return known
      return remember(name, (insert.one<{ queue: number }>(ns, name) as { queue: number }).queue)
    },

    find(name) {
      const known = numbers.get(name)
      if (known !== undefined) return known
      const row = byName.one<{ queue: number }>(ns, name)
      return row && remember(name, row.queue)
    },

    nameOf(queue) {
      const known = names.get(queue)
      if (known !== undefined) return known
      const name = byNumber.one<{ name: string }>(queue)?.name ?? ""
      remember(name, queue)
      return name
    },

    open(asked) {
      return [...new Set(asked)].flatMap((name) => unpaused.one<{ queue: number }>(ns, name)?.queue ?? [])
    },

    all() {
      return every
        .all<{ queue: number; name: string; paused: number }>(ns)
        .map((row) => ({ ...row, paused: row.paused === 1 }))
    },

    setPaused(name, paused) {
      return pause.run(queues.ensure(name), paused ? 1 : 0) === 1
    },

    forget() {
      numbers.clear()
      names.clear()
    },
  }
  return queues
}
