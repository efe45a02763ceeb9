import type { Broker, Enqueued } from "../contracts/broker.ts"
import type { Driver } from "../contracts/driver.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { TaskId } from "../task/envelope.ts"
import { endOf, type TaskStatus } from "../task/status.ts"

/** One store for tasks and another for what became of them, as if they were one. */
export interface SplitResults {
  readonly broker: Broker
  readonly inspector: Inspector
  readonly results: ResultBackend
  /** Moves at most `max` ended tasks that a crash has left behind; answers how many there were. */
  moveEnded(max: number): Promise<number>
}

/**
 * A settlement lands whole in the store of the tasks, status included, with all its rules about tokens; then the status
 * moves to the other store: put there, forgotten here. A crash in between leaves it here, where every reader looks too,
 * and a later sweep moves it. So nothing runs twice for it, nothing is counted twice, and nobody misses an end. Moving
 * is repeatable: of two statuses for one id the one with the higher token stays.
 */
export function splitResults(
  here: Pick<Driver, "broker" | "inspector" | "results">,
  there: Pick<Driver, "inspector" | "results">,
): SplitResults {
  async function move(statuses: readonly TaskStatus[]): Promise<void> {
    if (statuses.length === 0) return
    await there.results.put(statuses)
    await here.results.forget(statuses.map(({ id }) => id))
  }

  /** Moves what has ended of these. */
  async function moveOf(ids: readonly TaskId[]): Promise<void> {
    if (ids.length === 0) return
    await move((await here.results.get(ids)).flatMap((status) => status ?? []))
  }

  async function moveEnded(max: number): Promise<number> {
    const left = await here.results.list({ limit: max })
    await move(left)
    return left.length
  }

  const broker: Broker = {
    ...here.broker,

    async enqueue(envelopes, groups) {
      const ended = await there.results.get(envelopes.map(({ id }) => id))
      const fresh = envelopes.filter((_, at) => !ended[at])
      const stored = (await here.broker.enqueue(fresh, groups)).values()
      return ended.map(
        (status): Enqueued =>
          status
            ? { id: status.id, kind: "duplicate", state: status.state }
            : (stored.next().value as Enqueued),
      )
    },

    async settle(settlements) {
      const answers = await here.broker.settle(settlements)
      const settled = settlements.flatMap(({ lease }, at) => (answers[at] === "settled" ? lease.id : []))
      // It has landed. What can not be moved now is read from here, and moved by the sweep, which tells its faults.
      await moveOf(settled).catch(() => {})
      return answers
    },

    async cancel(ids, how) {
      const answers = await here.broker.cancel(ids, how)
      await moveOf(answers.flatMap(({ id, kind }) => (kind === "cancelled" ? id : []))).catch(() => {})
      const unknown = answers.flatMap(({ id, kind }) => (kind === "unknown" ? id : []))
      const ended = new Set((await there.results.get(unknown)).flatMap((status) => status?.id ?? []))
      return answers.map((answer) => (ended.has(answer.id) ? { id: answer.id, kind: "ended" } : answer))
    },
  }

  const results: ResultBackend = {
    put: there.results.put,

    async get(ids) {
      const [moved, left] = await Promise.all([there.results.get(ids), here.results.get(ids)])
      return ids.map((_, at) => later(moved[at], left[at]))
    },

    async wait(id, until, signal) {
      const done = new AbortController()
      const stop = signal ? AbortSignal.any([signal, done.signal]) : done.signal
      const first = await Promise.race([
        here.results.wait(id, until, stop),
        there.results.wait(id, until, stop),
      ])
      done.abort()
      // It may be on its way from one to the other.
      return first ?? (await results.get([id]))[0]
    },

    async list(filter) {
      const [moved, left] = await Promise.all([there.results.list(filter), here.results.list(filter)])
      const known = new Map([...left, ...moved].map((status) => [status.id, status]))
      return [...known.values()].sort((a, b) => endOf(b) - endOf(a)).slice(0, filter.limit)
    },

    async forget(ids) {
      await Promise.all([there.results.forget(ids), here.results.forget(ids)])
    },

    async prune(ask) {
      await moveEnded(ask.max)
      return there.results.prune(ask)
    },
  }

  const inspector: Inspector = {
    ...here.inspector,

    async ended() {
      const [moved, left] = await Promise.all([there.inspector.ended(), here.inspector.ended()])
      const total = {
        succeeded: moved.succeeded + left.succeeded,
        failed: moved.failed + left.failed,
        cancelled: moved.cancelled + left.cancelled,
        expired: moved.expired + left.expired,
      }
      // Who was killed between the two steps of a move has left a status in both, until the sweep: it counts once.
      if (left.succeeded + left.failed + left.cancelled + left.expired === 0) return total
      const behind = await here.results.list({ limit: MOST_BEHIND })
      for (const status of await there.results.get(behind.map(({ id }) => id)))
        if (status && status.state in total) total[status.state as keyof typeof total] -= 1
      return total
    },

    deadLetters: {
      ...here.inspector.deadLetters,
      async replay(asks) {
        const replayed = await here.inspector.deadLetters.replay(asks)
        await results.forget(replayed)
        return replayed
      },
    },
  }

  return { broker, inspector, results, moveEnded }
}

/** So many statuses may lie in both stores before their count is a little too high. */
const MOST_BEHIND = 10_000

/** Of two statuses for one id, the one that holds. */
function later(a: TaskStatus | undefined, b: TaskStatus | undefined): TaskStatus | undefined {
  if (!a || !b) return a ?? b
  return b.token > a.token ? b : a
}
