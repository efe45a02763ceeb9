import type { ChildAsk } from "../../core/contracts/isolates.ts"
import { parseDuration } from "../../core/kit/duration.ts"
import { invalid } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import type { EnqueueOptions } from "../../core/task/context.ts"
import type { LoadedModules } from "../modules/load.ts"

/** The name of a task given by name or by definition. Throws `unnamed_task` for a definition nobody named. */
export function nameOf(task: string | { readonly name?: string }, modules: LoadedModules): string {
  const name = typeof task === "string" ? task : (modules.nameOf(task) ?? task.name)
  if (name) return name
  throw invalid(
    "unnamed_task",
    "ctx.enqueue was given a definition that has no name and is not exported by a module of this worker",
    "Add `name` to its defineTask, or enqueue it by name.",
  )
}

/**
 * A handler's `ctx.enqueue` as it crosses to the supervisor: plain JSON, and an id that the same call of another
 * attempt has too.
 */
export function childAsk(call: {
  parent: string
  /** Which of this run's calls it is; 1 for the first. */
  number: number
  name: string
  input: unknown
  options: EnqueueOptions
}): ChildAsk {
  const { parent, number, name, input, options } = call
  const { at, expires, ...rest } = options
  return {
    parent,
    task: name,
    input: JSON.parse(toJson(input, `the input of ${name}`)),
    options: {
      ...rest,
      id: options.id ?? `${parent}.${number}`,
      ...(at !== undefined && { at: at.getTime() }),
      ...(expires !== undefined && {
        expires: expires instanceof Date ? expires.getTime() : `${parseDuration(expires)}ms`,
      }),
    },
  }
}
