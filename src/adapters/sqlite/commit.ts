import type { Clock } from "../../core/kit/clock.ts"
import { unavailable } from "../../core/kit/errors.ts"
import type { Connection } from "./connection.ts"
import { storeTrouble } from "./failures.ts"

/** The one way to write. */
export interface Commit {
  /**
   * Runs `work` inside a transaction and answers after it is on the disk. All calls of one turn of the event loop
   * share a transaction and so one fsync. When `work` throws, only this call fails; the others of its group run
   * again without it, so `work` must do nothing but read and write the store.
   */
  write<T>(work: () => T): Promise<T>
  /**
   * The same of what may be lost in a power cut, though not with the process: it joins the group that gathers, and
   * alone it costs no fsync. The next one that others pay for covers it too.
   */
  writeSoftly<T>(work: () => T): Promise<T>
  /** Whether a transaction is about to begin: joining it costs nothing. */
  readonly gathering: boolean
  /** Ends what is pending; later calls throw `store_closed`. */
  close(): Promise<void>
}

interface Call {
  readonly soft: boolean
  readonly work: () => unknown
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

/** A group ends after this long, so that neither the event loop nor another process waits for a crowd. */
const GROUP_MS = 50

export function createCommit(
  connection: Connection,
  clock: Clock,
  /** `ending` writes what was kept in hand until the end of the transaction. */
  hooks: { ending(): void; committed(): void; rolledBack(): void },
): Commit {
  const { path } = connection
  const begin = connection.sql("BEGIN IMMEDIATE")
  const commit = connection.sql("COMMIT")
  const rollback = connection.sql("ROLLBACK")
  let pending: Call[] = []
  let flushing: Promise<void> | undefined
  let closed = false
  let synced = true

  /** Whether the next transaction is to end with an fsync. A pragma acts when it is compiled, so none is prepared. */
  function sync(wanted: boolean): void {
    if (wanted === synced) return
    connection.run(`PRAGMA synchronous = ${wanted ? "FULL" : "NORMAL"}`)
    synced = wanted
  }

  /** Runs the calls and answers them; gives back those that have to run again. */
  function runGroup(calls: readonly Call[]): readonly Call[] {
    const start = clock.monotonic()
    const answers: unknown[] = []
    let failing: Call | undefined
    try {
      for (const call of calls) {
        failing = call
        answers.push(call.work())
        if (clock.monotonic() - start > GROUP_MS) break
      }
      failing = undefined
      hooks.ending()
      commit.run()
    } catch (error) {
      undo()
      const trouble = storeTrouble(error, path)
      if (!trouble && failing) {
        failing.reject(error)
        return calls.filter((call) => call !== failing)
      }
      for (const call of calls) call.reject(trouble ?? error)
      return []
    }
    hooks.committed()
    answers.forEach((answer, at) => {
      calls[at]?.resolve(answer as never)
    })
    return calls.slice(answers.length)
  }

  function undo(): void {
    hooks.rolledBack()
    // A full disk makes SQLite roll back by itself.
    if (connection.inTransaction) rollback.run()
  }

  async function flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (pending.length > 0) {
      try {
        await connection.patiently(() => {
          sync(pending.some((call) => !call.soft))
          begin.run()
          const calls = pending
          pending = []
          pending = [...runGroup(calls), ...pending]
        })
      } catch (error) {
        const calls = pending
        pending = []
        for (const call of calls) call.reject(error)
      }
    }
    flushing = undefined
  }

  function call<T>(work: () => T, soft: boolean): Promise<T> {
    if (closed) return Promise.reject(unavailable("store_closed", `${path} has been closed`))
    return new Promise<T>((resolve, reject) => {
      pending.push({ work, soft, resolve, reject })
      flushing ??= flush()
    })
  }

  return {
    write: (work) => call(work, false),
    writeSoftly: (work) => call(work, true),
    get gathering() {
      return pending.length > 0
    },
    async close() {
      closed = true
      await flushing
    },
  }
}
