import { invalid } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import { abortError } from "./abort-error.ts"
import type { RunEffects, RunFacts } from "./effects.ts"

const LONGEST = 1000

/** A handler's `ctx.once`: what an earlier attempt kept under this name, or what `work` resolves to, kept from now on. */
export async function once<T>(
  { id, token }: RunFacts,
  { ask }: RunEffects,
  name: string,
  work: () => T | Promise<T>,
): Promise<T> {
  if (typeof name !== "string" || name.length === 0 || name.length > LONGEST)
    throw invalid(
      "invalid_name",
      `ctx.once was given a name that is no text of 1 to ${LONGEST} characters`,
      'Name what is done once: ctx.once("charge", work).',
    )
  const kept = (await ask({ kind: "recall", id, name })) as { value: T } | null | undefined
  if (kept) return kept.value
  const value = (await work()) ?? null
  const plain = JSON.parse(toJson(value, `what "${name}" came to`)) as T
  if ((await ask({ kind: "remember", id, token, name, value: plain })) === "stale")
    throw abortError("lease_lost")
  return plain
}
