import type { Place } from "../places.ts"

/** What the benchmark asks of each system; every method runs in a process of its own, in a place of its own. */
export interface System {
  readonly about: About
  /** Stores tasks one after the other, each waiting for the answer of the one before. */
  enqueueOne(place: Place, tasks: number): Promise<Timed>
  /** Stores tasks in lists, as large as the system likes them. */
  enqueueMany(place: Place, tasks: number): Promise<Timed>
  /** Stores the tasks, then runs them all; only the running is timed. */
  drain(place: Place, ask: DrainAsk): Promise<Timed>
}

export interface About {
  readonly name: string
  readonly version: string
  /** What an answer means after a power cut. */
  readonly durability: string
  readonly results: string
  /** Where handlers run. */
  readonly handlers: string
}

export interface DrainAsk {
  readonly tasks: number
  readonly concurrency: number
}

/** How many tasks in how long, after the check that each was done once. */
export interface Timed {
  readonly tasks: number
  readonly ms: number
}

export const perSecond = ({ tasks, ms }: Timed): number => (tasks / ms) * 1000

/** The input of task number `n`; its handler returns it, so that results can be checked against a sum. */
export const inputOf = (n: number) => ({ n })

/** Numbers from 0, in lists of at most `size`. */
export function* lists(tasks: number, size: number): Generator<number[]> {
  for (let from = 0; from < tasks; from += size)
    yield Array.from({ length: Math.min(size, tasks - from) }, (_, at) => from + at)
}

/** What was found of a drain: how many results, of how many tasks, and their sum. */
export interface Found {
  readonly count: number
  readonly ids: number
  readonly sum: number
}

/** Throws unless every task from 0 to `tasks` ended once with its own result. */
export function mustBeExact(tasks: number, found: Found): void {
  const sum = (tasks * (tasks - 1)) / 2
  if (found.count !== tasks || found.ids !== tasks || found.sum !== sum)
    throw new Error(
      `not exact: ${tasks} tasks, but ${found.count} results of ${found.ids} ids with the sum ${found.sum} instead of ${sum}`,
    )
}
