import type { Envelope } from "../task/envelope.ts"

/**
 * The input of a task that is given a result: the result itself where it has none of its own, its own where it says
 * nothing else, or both: under a name, or field by field, its own winning. A result that has no fields is put under
 * `result` then.
 */
export function inputWith({ input, merge }: Pick<Envelope, "input" | "merge">, result: unknown): unknown {
  if (input === null || input === undefined) return result
  if (merge === undefined) return input
  const own = isFields(input) ? input : { input }
  if (merge !== true) return { ...own, [merge]: result }
  return isFields(result) ? { ...result, ...own } : { result, ...own }
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
