import { derivedId } from "../kit/derived-id.ts"
import type { TaskId } from "./envelope.ts"

/** The id of the task after this one in its chain: `a`, `a/1`, `a/2`, … */
export function stepAfter(id: TaskId): TaskId {
  const { base, step } = partsOf(id)
  return derivedId(base, `/${step + 1}`)
}

/** The id that {@link stepAfter} made this one of; undefined when that can not be told. */
export function stepBefore(id: TaskId): TaskId | undefined {
  const { base, step } = partsOf(id)
  if (step === 0) return undefined
  return step === 1 ? base : `${base}/${step - 1}`
}

/** Ids of tasks that nothing came before have no number at their end, or one of their own that counts on. */
function partsOf(id: TaskId): { base: string; step: number } {
  const slash = id.lastIndexOf("/")
  const step = slash < 0 ? "" : id.slice(slash + 1)
  return DIGITS.test(step) ? { base: id.slice(0, slash), step: Number(step) } : { base: id, step: 0 }
}

const DIGITS = /^\d{1,9}$/
