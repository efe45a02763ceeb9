import { derivedId } from "../../core/kit/derived-id.ts"
import { parseDuration } from "../../core/kit/duration.ts"
import { invalid } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import { sendThrough, stepThrough } from "../../core/task/chains.ts"
import { checkFlow } from "../../core/task/check-flow.ts"
import type { ChildAsk, FlowAsk, PlainOptions } from "../../core/task/child.ts"
import { type Flow, mapSteps, ownIdOf, type StepOptions } from "../../core/task/flow.ts"
import type { EnqueueOptions } from "../../core/task/options.ts"
import { inputless, shapeOf } from "../../core/task/shape.ts"
import type { LoadedModules } from "../modules/load.ts"
import type { RunEffects } from "./effects.ts"

/** The name of a task given by name or by definition. Throws `unnamed_task` for a definition nobody named. */
export function nameOf(task: string | { readonly name?: string }, modules: LoadedModules): string {
  const name =
    typeof task === "string" ? task : (modules.nameOf(task) ?? (task as typeof task | undefined)?.name)
  if (name) return name
  throw invalid(
    "unnamed_task",
    "ctx.enqueue was given no task, or a definition that has no name and is not exported by a module of this worker",
    "Add `name` to its defineTask, or enqueue it by name.",
  )
}

/**
 * A handler's `ctx.enqueue` or `ctx.after` as it crosses to the supervisor: plain JSON, and an id that the same call of
 * another attempt has too. Throws for what could not be sent.
 */
export function childAsk(
  call: Call & { name: string; modules: LoadedModules; input: unknown; options: EnqueueOptions },
): ChildAsk {
  const { parent, name, modules, input, options } = call
  const shape = shapeOf(modules.tasks.get(name)?.shape ?? {}, input)
  return {
    parent,
    task: name,
    input: plainInput(input, name),
    options: { ...shape, ...plainOptions(options), id: options.id ?? idOf(call) },
  }
}

/** Which of a run's calls it is. */
interface Call {
  readonly parent: string
  /** 1 for the first of its kind; of another kind than `ctx.enqueue` its letter is in front. */
  readonly number: number | string
}

const idOf = ({ parent, number }: Call) => derivedId(parent, `.${number}`)

/** The same for a flow: its tasks by name, through the modules' middleware, everything in it JSON. */
export async function flowAsk({ flow, modules, ...call }: FlowCall): Promise<FlowAsk> {
  const id = flowIdOf({ flow, ...call })
  const plain = await mapSteps(flow, async ({ task, input, options = {} }) => {
    const name = nameOf(task, modules)
    const shape = modules.tasks.get(name)?.shape ?? {}
    const whole = { ...shapeOf(input === undefined ? inputless(shape) : shape, input), ...options }
    const passed = await stepThrough(modules.middleware, id, {
      kind: "task",
      task: name,
      input,
      options: whole,
    })
    return {
      ...{ kind: "task", task: name, input: plainInput(passed.input, name) },
      options: plainOptions(passed.options ?? {}) as StepOptions,
    }
  })
  return { parent: call.parent, id, flow: plain }
}

/** A handler's wish for a flow. */
export type FlowCall = Call & { readonly flow: Flow; readonly modules: LoadedModules }

/** The id that a flow will have. Throws for what is no flow, and for ids that would not be kept. */
export function flowIdOf({ flow, ...call }: Call & { readonly flow: Flow }): string {
  checkFlow(flow)
  return ownIdOf(flow) ?? idOf(call)
}

const plainInput = (input: unknown, name: string): unknown =>
  JSON.parse(toJson(input, `the input of ${name}`))

const plainOptions = ({ at, expires, ...rest }: EnqueueOptions): PlainOptions => ({
  ...rest,
  ...(at !== undefined && { at: at.getTime() }),
  ...(expires !== undefined && {
    expires: expires instanceof Date ? expires.getTime() : `${parseDuration(expires)}ms`,
  }),
})

/** Sends a child, through the modules' middleware where there is some. */
export async function sendChild(
  call: Parameters<typeof childAsk>[0],
  effects: Pick<RunEffects, "enqueue">,
): Promise<string> {
  const { middleware } = call.modules
  const child = childAsk(call)
  if (!middleware.some(({ enqueue }) => enqueue)) return effects.enqueue(child)
  const { id: _, ...options } = call.options
  const ask = { id: child.options.id as string, task: call.name, input: call.input ?? null, options }
  const sent = await sendThrough(middleware, ask, async ({ id, input, options: changed }) => ({
    id: await effects.enqueue(childAsk({ ...call, input, options: { ...changed, id } })),
  }))
  return sent.id
}

/**
 * A task that a success is to bring with it: its id, known at once, and how it passes the modules' middleware. Throws what
 * could not be sent.
 */
export function afterTask(call: Parameters<typeof childAsk>[0]): [id: string, pass: () => Promise<ChildAsk>] {
  const child = childAsk(call)
  const id = child.options.id as string
  const pass = async () => {
    const step = { kind: "task", task: call.name, input: call.input, options: call.options } as const
    const { input, options } = await stepThrough(call.modules.middleware, id, step)
    return options === step.options ? child : childAsk({ ...call, input, options: { ...options, id } })
  }
  return [id, pass]
}
