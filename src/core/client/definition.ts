import type { Millis } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import { invalid } from "../kit/errors.ts"
import type { TaskDefinition } from "../task/define.ts"
import type { EnqueueOptions } from "../task/options.ts"
import { describeIssues } from "../task/schema.ts"
import { shapeOf } from "../task/shape.ts"
import type { EnvelopeAsk } from "./envelope.ts"

/**
 * Fills in what a sender left open from the task's definition, after checking the input against its schema.
 * The input is sent as it was given: the worker validates and transforms it again.
 * Throws `invalid_input`, naming every field that does not fit.
 */
export async function applyDefinition<I, O>(
  definition: TaskDefinition<I, O>,
  input: unknown,
  options: EnqueueOptions,
  now: Millis,
): Promise<EnvelopeAsk> {
  if (!(definition as typeof definition | undefined)?.name)
    throw invalid(
      "unnamed_task",
      "this is no task, or its definition has no name",
      "Add `name` to defineTask, or enqueue it by name.",
    )
  if (definition.input) {
    const checked = await definition.input["~standard"].validate(input)
    if (checked.issues)
      throw invalid("invalid_input", `input of ${definition.name}: ${describeIssues(checked.issues)}`)
  }
  const { queue, priority, expires } = definition
  return {
    task: definition.name as string,
    input,
    defaults: { queue, priority },
    options: {
      ...(expires !== undefined && { expires: new Date(now + parseDuration(expires)) }),
      ...shapeOf(definition as TaskDefinition, input),
      ...options,
    },
  }
}
