import { closest } from "../../core/kit/closest.ts"
import type { Router } from "../../core/policy/routing.ts"
import { TASK_STATES, type TaskState } from "../../core/task/status.ts"
import type { Flags } from "./command.ts"
import { usage } from "./exit.ts"
import { pastFlag, wholeFlag } from "./times.ts"

export const LIMIT_FLAG = {
  limit: { kind: "value", hint: "N", about: "at most so many (default: 50)" },
} as const satisfies Flags

/** What narrows a list of tasks or dead letters. */
export const FILTER_FLAGS = {
  queue: { kind: "value", hint: "NAME", about: "only of this queue" },
  task: { kind: "value", hint: "NAME", about: "only of this task" },
  since: { kind: "value", hint: "T", about: "not before this instant; 1h means an hour ago" },
  until: { kind: "value", hint: "T", about: "not after this instant; 1h means an hour ago" },
} as const satisfies Flags

export interface Range {
  readonly queue?: string | undefined
  readonly task?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
}

export const readRange = (flags: {
  queue?: string | undefined
  task?: string | undefined
  since?: string | undefined
  until?: string | undefined
}): Range => ({
  queue: flags.queue,
  task: flags.task,
  since: pastFlag("--since", flags.since),
  until: pastFlag("--until", flags.until),
})

/** The same, of the queue that is meant: it may have been named by an alias. */
export const meant = <R extends { readonly queue?: string | undefined }>(range: R, router: Router): R =>
  range.queue === undefined ? range : { ...range, queue: router.queue(range.queue) }

export const readLimit = (value: string | undefined): number =>
  wholeFlag("--limit", value, 1, 1_000_000) ?? 50

/** `--state failed --state queued` or `--state failed,queued`. */
export function readStates(values: readonly string[]): readonly TaskState[] | undefined {
  const names = values.flatMap((value) => value.split(","))
  for (const name of names) {
    if ((TASK_STATES as readonly string[]).includes(name)) continue
    const meant = closest(name, TASK_STATES)
    throw usage(
      `--state: "${name}" is no state`,
      meant ? `Did you mean ${meant}?` : `States: ${TASK_STATES.join(", ")}.`,
    )
  }
  return names.length === 0 ? undefined : (names as TaskState[])
}
