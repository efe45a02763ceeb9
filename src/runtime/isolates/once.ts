import { toJson } from "../../core/kit/json.ts"
import { abortError } from "./abort-error.ts"
import type { RunEffects, RunFacts } from "./effects.ts"

/** A handler's `ctx.once`: what an earlier attempt kept under this name, or what `work` resolves to, kept from now on. */
export async function once<T>(
  { id, token }: RunFacts,
  { ask }: RunEffects,
  name: string,
  work: () => T | Promise<T>,
): Promise<T> {
  const kept = (await ask({ kind: "recall", id, name })) as { value: T } | null | undefined
  if (kept) return kept.value
  const value = (await work()) ?? null
  const plain = JSON.parse(toJson(value, `what "${name}" came to`)) as T
  if ((await ask({ kind: "remember", id, token, name, value: plain })) === "stale")
    throw abortError("lease_lost")
  return plain
}
