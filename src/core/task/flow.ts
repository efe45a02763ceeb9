import { invalid } from "../kit/errors.ts"
import type { EnqueueOptions, NamedTask } from "./options.ts"

/**
 * Work that is composed: data, until it is enqueued. From then on the store carries it on, step by step, in the
 * settlement of each; whoever sent it may be gone.
 */
export type Flow = Step | Chain | GroupFlow

/** A call of one task. */
export interface Step {
  readonly kind: "task"
  readonly task: string | NamedTask<never>
  readonly input?: unknown
  /** A delay counts from when the step before it has ended. */
  readonly options?: StepOptions | undefined
}

/** What may be said about a step. */
export interface StepOptions extends EnqueueOptions {
  /**
   * What a step that has an input of its own does with the result before it: nothing unless this says so. `true` puts
   * the fields of both together, its own winning; a name puts the result under that name.
   */
  readonly merge?: true | string
}

/** Steps one after the other: the result of each is the input of the next, where that has none of its own. */
export interface Chain {
  readonly kind: "chain"
  readonly steps: readonly Flow[]
}

/** Members side by side. The step after a group is given all their results, in the order of the members. */
export interface GroupFlow extends GroupOptions {
  readonly kind: "group"
  readonly members: readonly Flow[]
}

/** How a group ends. */
export interface GroupOptions {
  /** Your own id for the group. */
  readonly id?: string
  /** So many members may fail, and their results are null then. Default: none. */
  readonly tolerate?: number
  /** Sent once when more have failed; its input is what became of those: `{ group, failed: [{ index, id, error }] }`. */
  readonly broken?: Step
}

/** A call of a task as a step of a flow. */
export function step<I>(task: string | NamedTask<I>, input?: I, options?: StepOptions): Step {
  return {
    ...{ kind: "task", task: task as Step["task"] },
    ...(input !== undefined && { input }),
    ...(options && { options }),
  }
}

/** One after the other. A chain within a chain is part of it. */
export const chain = (...steps: readonly Flow[]): Chain => ({ kind: "chain", steps })

/** Side by side. */
export const group = (members: readonly Flow[], options: GroupOptions = {}): GroupFlow => ({
  ...{ kind: "group", members },
  ...options,
})

/** Side by side, and then a body, which is given their results in order. */
export const chord = (members: readonly Flow[], body: Flow, options: GroupOptions = {}): Chain =>
  chain(group(members, options), body)

/** A call of the task for each input, side by side. */
export const map = <I>(
  task: string | NamedTask<I>,
  inputs: readonly I[],
  options?: GroupOptions & { readonly each?: StepOptions },
): GroupFlow => {
  const { each, ...how } = options ?? {}
  return group(
    inputs.map((input) => step(task, input, each)),
    how,
  )
}

/** A call of the task for each `size` inputs, which it is given as a list, side by side. Throws `invalid_size`. */
export const chunks = <I>(
  task: string | NamedTask<readonly I[]>,
  inputs: readonly I[],
  size: number,
  options?: GroupOptions & { readonly each?: StepOptions },
): GroupFlow => {
  if (!Number.isInteger(size) || size < 1)
    throw invalid(
      "invalid_size",
      `a chunk of ${size} inputs can not be made`,
      "Give a whole number from 1 on.",
    )
  const parts: (readonly I[])[] = []
  for (let at = 0; at < inputs.length; at += size) parts.push(inputs.slice(at, at + size))
  return map(task, parts, options)
}

/** Whether this is a flow rather than a task or its name. */
export const isFlow = (value: unknown): value is Flow =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  (value.kind === "task" || value.kind === "chain" || value.kind === "group") &&
  !("run" in value)

/** The id that a flow was given for its beginning: of its first task, or of the group it begins with. */
export function ownIdOf(flow: Flow): string | undefined {
  if (flow.kind === "task") return flow.options?.id
  if (flow.kind === "group") return flow.id
  const [first] = flow.steps
  return first && ownIdOf(first)
}

/** The same flow with other steps in the places of its own. */
export async function mapSteps(flow: Flow, change: (step: Step) => Step | Promise<Step>): Promise<Flow> {
  if (flow.kind === "task") return change(flow)
  const all = async (flows: readonly Flow[]) => {
    const changed: Flow[] = []
    for (const one of flows) changed.push(await mapSteps(one, change))
    return changed
  }
  if (flow.kind === "chain") return { ...flow, steps: await all(flow.steps) }
  const { broken } = flow
  return { ...flow, members: await all(flow.members), ...(broken && { broken: await change(broken) }) }
}
