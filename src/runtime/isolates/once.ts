import { invalid } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import { abortError } from "./abort-error.ts"
import type { RunEffects, RunFacts } from "./effects.ts"

const LONGEST = 1000

/** A handler's `ctx.once`: what an earlier attempt kept under this name, or what `work` resolves to, kept from now on. */
export async function once<T>(
  facts: RunFacts,
  effects: RunEffects,
  /** Names whose work goes on in this run. */
  under: Set<string>,
  name: string,
  work: () => T | Promise<T>,
): Promise<T> {
  if (typeof name !== "string" || name.length === 0 || name.length > LONGEST)
    throw invalid(
      "invalid_name",
      `ctx.once was given a name that is no text of 1 to ${LONGEST} characters`,
      'Name what is done once: ctx.once("charge", work).',
    )
  if (under.has(name))
    throw invalid(
      "once_twice",
      `ctx.once("${name}") was called while its work goes on`,
      "Wait for the first call, or give the other another name.",
    )
  under.add(name)
  try {
    return await keepOrRecall(facts, effects, name, work)
  } finally {
    under.delete(name)
  }
}

async function keepOrRecall<T>(
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
