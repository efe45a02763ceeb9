import { BROKE } from "../canvas/builtin.ts"
import type { Envelope } from "../task/envelope.ts"
import type { Outcome } from "../task/outcome.ts"

/** Runs one of Stem's own tasks: a joint passes on what it is given, the other one tells that its group is broken. */
export function runBuiltIn({ task }: Envelope, input: unknown): Outcome {
  if (task !== BROKE) return { kind: "succeeded", result: input }
  const { group, failed } = input as {
    group: string
    failed: readonly { id: string; error?: { message: string } }[]
  }
  const [first] = failed
  const why = first ? `: ${first.id}: ${first.error?.message ?? "it failed"}` : ""
  return {
    kind: "failed",
    error: { name: "GroupBroken", code: "group_broken", message: `group ${group} is broken${why}` },
    final: true,
  }
}
