import type { Millis } from "../../core/kit/clock.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { fingerprint } from "../../core/task/failure.ts"
import { failureLine } from "../shell/status.ts"

/** Dead letters that died of the same. */
export interface ErrorGroup {
  readonly fingerprint: string
  readonly task: string
  readonly error: string
  /** The id of the latest. */
  readonly example: string
  readonly lastAt: Millis
  count: number
  firstAt: Millis
}

/** Groups by fingerprint, the largest first. What is held grows with the kinds of errors, not with the letters. */
export async function groupByError(pages: AsyncIterable<readonly DeadLetter[]>): Promise<ErrorGroup[]> {
  const groups = new Map<string, ErrorGroup>()
  for await (const page of pages)
    for (const { id, task, error, diedAt } of page) {
      const print = fingerprint(task, error)
      const group = groups.get(print)
      if (group) {
        group.count++
        group.firstAt = Math.min(group.firstAt, diedAt)
      } else
        groups.set(print, {
          fingerprint: print,
          ...{ task, error: failureLine(error), example: id, count: 1, firstAt: diedAt, lastAt: diedAt },
        })
    }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt)
}
