import { expect } from "bun:test"
import type { TaskStatus } from "../../src/core/task/status.ts"
import type { Entry } from "./scene.ts"

/**
 * Every task succeeded once, by its last token, and every run but its last stood on a process that was struck. Answers
 * how many runs were one too many, and how many of those had come to their end: what they came to was not stored yet.
 */
export function judge(
  statuses: readonly TaskStatus[],
  journal: readonly Entry[],
  struck: ReadonlySet<number>,
): { duplicates: number; finished: number } {
  const runs = Map.groupBy(journal, ({ id }) => id)
  const surplus: Entry[] = []
  for (const status of statuses) {
    expect(status).toMatchObject({ state: "succeeded" })
    // By token: a process that stood still may begin late what it held before.
    const mine = (runs.get(status.id) ?? []).sort((a, b) => a.token - b.token)
    const { token } = status.result as { token: number }
    expect(token).toBe(status.token)
    expect(token).toBe(Math.max(...mine.map((run) => run.token)))
    surplus.push(...mine.slice(0, -1))
  }
  for (const run of surplus) expect(struck.has(run.isolate) || struck.has(run.worker)).toBe(true)
  return { duplicates: surplus.length, finished: surplus.filter(({ ended }) => ended).length }
}
