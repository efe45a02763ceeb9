import { expect } from "bun:test"
import type { TaskStatus } from "../../src/core/task/status.ts"
import type { Entry } from "./scene.ts"

/**
 * Every task succeeded once, by its last token, and every run but its last stood on a process that was struck. Answers
 * how many runs were one too many.
 */
export function judge(
  statuses: readonly TaskStatus[],
  journal: readonly Entry[],
  struck: ReadonlySet<number>,
): number {
  const runs = Map.groupBy(journal, ({ id }) => id)
  let duplicates = 0
  for (const status of statuses) {
    expect(status).toMatchObject({ state: "succeeded" })
    // By token: a process that stood still may begin late what it held before.
    const mine = (runs.get(status.id) ?? []).sort((a, b) => a.token - b.token)
    const { token } = status.result as { token: number }
    expect(token).toBe(status.token)
    expect(token).toBe(Math.max(...mine.map((run) => run.token)))
    duplicates += mine.length - 1
    for (const run of mine.slice(0, -1)) expect(struck.has(run.isolate) || struck.has(run.worker)).toBe(true)
  }
  return duplicates
}
