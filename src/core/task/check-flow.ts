import { invalid } from "../kit/errors.ts"
import { isTaskId } from "./envelope.ts"
import { type Flow, isFlow } from "./flow.ts"

/**
 * Refuses what is no flow, and ids that would not be kept: only its beginning has one of its own, all others follow
 * from that. Throws `invalid_flow`, `invalid_id` or `inner_id`.
 */
export function checkFlow(flow: Flow, first = true): void {
  if (!isFlow(flow))
    throw invalid(
      "invalid_flow",
      `${typeof flow === "string" ? `"${flow}"` : `a value of type ${typeof flow}`} is no part of a flow`,
      "Give task.s(input), or step(name, input).",
    )
  if (flow.kind === "chain") {
    for (const [at, one] of flow.steps.entries()) checkFlow(one, first && at === 0)
    return
  }
  checkId(flow.kind === "task" ? flow.options?.id : flow.id, first)
  if (flow.kind === "task") return
  for (const member of flow.members) checkFlow(member, false)
  if (flow.broken) checkFlow(flow.broken, false)
}

function checkId(id: unknown, first: boolean): void {
  if (id === undefined) return
  if (!first)
    throw invalid(
      "inner_id",
      `${String(id)} is within a flow, where an id follows from that of the flow`,
      "Give the id to the flow's first task, or to the group it begins with.",
    )
  if (!isTaskId(id))
    throw invalid(
      "invalid_id",
      `${JSON.stringify(id)} is not a valid id`,
      "An id has 1 to 200 characters, and no spaces.",
    )
}
