import type { TaskSpec } from "../task/define.ts"
import { DEFAULT_RETRY } from "../task/retry.ts"

/** A joint of a flow where no task of the user's stands. Every worker knows it, and answers what it is given. */
export const COLLECT = "stem.collect"

/** The joint by which a group within a group tells it that it is broken. */
export const BROKE = "stem.broke"

const specOf = (name: string): [string, TaskSpec] => [
  name,
  { name, queue: "default", priority: 5, retry: DEFAULT_RETRY, timeLimits: {}, source: "stem" },
]

/** Stem's own tasks by name: they need no module, and a worker runs them itself. */
export const BUILT_IN: ReadonlyMap<string, TaskSpec> = new Map([specOf(COLLECT), specOf(BROKE)])
