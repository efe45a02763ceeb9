import { type LaidOut, layOut, type Stop } from "../canvas/lay-out.ts"
import type { Enqueued } from "../contracts/broker.ts"
import type { Groups } from "../contracts/groups.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { until } from "../kit/deadline.ts"
import { type Duration, parseDuration } from "../kit/duration.ts"
import { uuidv7 } from "../kit/id.ts"
import { stepThrough } from "../task/chains.ts"
import { checkFlow } from "../task/check-flow.ts"
import type { TaskDefinition } from "../task/define.ts"
import type { Middleware } from "../task/define-middleware.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import type { Failure } from "../task/failure.ts"
import { type Flow, mapSteps, ownIdOf, type Step } from "../task/flow.ts"
import type { Arrival, GroupFacts, GroupState } from "../task/group.ts"
import { inputless } from "../task/shape.ts"
import type { TaskState } from "../task/status.ts"
import { applyDefinition } from "./definition.ts"
import type { EnvelopeAsk } from "./envelope.ts"

/** A flow that was sent. */
export interface SentFlow {
  /** Of its first task, or of the group it begins with. */
  readonly id: TaskId
  /** `duplicate`: its first task was known, or another has its key; what follows is that one's affair. */
  readonly kind: Enqueued["kind"] | "spooled"
  /**
   * The tasks and groups that it passes, by the ids they have or will have. Of a double that another task's key has refused
   * only that task.
   */
  readonly trail: readonly Stop[]
  /** The task it begins with, as the store has it; absent where it begins with a group. */
  readonly first?: {
    readonly task: string
    readonly queue: string
    readonly state: Enqueued["state"] | "spooled"
  }
}

/** How a flow ended: at its last stop, or at the first that failed. */
export interface FlowEnd {
  readonly ok: boolean
  /** Of the task or the group at which it ended. */
  readonly id: TaskId
  readonly state: TaskState | "complete" | "broken"
  /** Of the last task; of a group at the end the results of its members in order, null for those that failed. */
  readonly result?: unknown
  readonly error?: Pick<Failure, "name" | "message" | "code"> | undefined
}

/** A group, and what has arrived of it. */
export interface GroupView {
  readonly id: string
  readonly state: GroupState
  readonly size: number
  readonly arrived: number
  /** Of those. */
  readonly failed: number
  readonly tolerate?: number | undefined
  readonly openedAt: Millis
  /** When it was complete, or the first time broken. */
  readonly endedAt?: Millis | undefined
  /** In the order of the members. */
  readonly arrivals: readonly Arrival[]
}

/** A group as it is shown; undefined where the store does not know it. */
export async function viewOf(groups: Parts["groups"], id: string): Promise<GroupView | undefined> {
  const [facts] = await groups.get([id])
  if (!facts) return undefined
  const { body: _, broken: __, v: ___, ...shown } = facts
  return { ...shown, arrivals: await arrivalsOf(groups, id) }
}

/**
 * Makes what a flow is sent as, after its steps have passed the middleware. Throws `invalid_input`, `empty_flow`,
 * `invalid_flow`, `invalid_id`, `inner_id`, `unique_step`, what middleware throws, and what else can not be sent; nothing was.
 */
export async function flowOf(
  flow: Flow,
  clock: Clock,
  middleware: readonly Middleware[],
  envelopeOf: (ask: EnvelopeAsk) => Envelope,
): Promise<LaidOut> {
  checkFlow(flow)
  const now = clock.now()
  const id = ownIdOf(flow) ?? uuidv7(clock)
  const defaults = new Map<Step, EnvelopeAsk["defaults"]>()
  const ready = await mapSteps(flow, async (step) => {
    const { task, input, options, defaults: own } = await askOf(step, now)
    const { delay, merge } = step.options ?? {}
    const whole = { ...options, ...(delay !== undefined && { delay }), ...(merge !== undefined && { merge }) }
    const passed = await stepThrough(middleware, id, { kind: "task", task, input, options: whole })
    defaults.set(passed, own)
    return passed
  })
  return layOut(ready, { id, now }, (step, options) =>
    envelopeOf({ task: step.task as string, input: step.input, options, defaults: defaults.get(step) }),
  )
}

async function askOf({ task, input, options = {} }: Step, now: Millis): Promise<EnvelopeAsk> {
  const { delay: _, merge: __, id: ___, ...rest } = options
  if (typeof task === "string") return { task, input, options: rest }
  // A link without an input is given one later: there is nothing to check, and nothing to make a key of yet.
  const definition =
    input === undefined ? { ...task, input: undefined, ...inputless(task as TaskDefinition) } : task
  return applyDefinition(definition as TaskDefinition, input, rest, now)
}

/** A flow that begins with a task, by what the store answered about that. */
export function sentAs(
  { id, trailFrom, envelopes }: LaidOut,
  { id: as, kind, state, queue }: Sent,
): SentFlow {
  const double = kind === "duplicate" && as !== id
  const first = { task: envelopes[0]?.task ?? "", queue, state }
  return { id: as, kind, trail: double ? [{ task: as }] : trailFrom(as), first }
}

/** What became of the task that a flow begins with. */
interface Sent extends Pick<SentFlow, "id" | "kind"> {
  readonly state: Enqueued["state"] | "spooled"
  readonly queue: string
}

/** The same where more than tasks was sent; `stored` tells what became of the first of them. */
export const beginning = (
  id: TaskId,
  { id: own, task, queue }: Envelope,
  { kind, state }: Enqueued,
): Pick<SentFlow, "kind" | "first"> => ({ kind, ...(own === id && { first: { task, queue, state } }) })

/** When a wait is over; never, unless a time is given. */
export const endIn = (clock: Clock, timeout: Duration | undefined): Millis =>
  timeout === undefined ? Number.POSITIVE_INFINITY : clock.now() + parseDuration(timeout)

/** What waiting for a flow looks at. */
interface Parts {
  readonly groups: Pick<Groups, "get" | "arrivals">
  readonly results: Pick<ResultBackend, "get" | "wait">
  readonly clock: Clock
}

const PAGE = 1000
/** Between two looks at a group: nothing tells of it when it breaks. */
const LOOK: Millis = 250

/** Follows a flow to its end; undefined when it has none by `end`, or the signal aborts. */
export async function waitForFlow(
  parts: Parts,
  trail: readonly Stop[],
  end: Millis,
  signal?: AbortSignal,
): Promise<FlowEnd | undefined> {
  const wait = (over: AbortSignal) => follow(parts, trail, Number.POSITIVE_INFINITY, over)
  const found = await until(parts.clock, end, wait, signal)
  return found ?? (signal?.aborted ? undefined : follow(parts, trail, PAST, signal))
}

/** For a look without waiting. */
const PAST = Number.NEGATIVE_INFINITY

async function follow(
  parts: Parts,
  trail: readonly Stop[],
  until: Millis,
  signal?: AbortSignal,
): Promise<FlowEnd | undefined> {
  let end: FlowEnd | undefined
  for (const stop of trail) {
    end =
      "task" in stop
        ? await taskEnd(parts, stop.task, until, signal)
        : await groupEnd(parts, stop.group, until, signal)
    if (!end?.ok) return end
  }
  return end
}

async function taskEnd(
  { results }: Parts,
  id: TaskId,
  until: Millis,
  signal?: AbortSignal,
): Promise<FlowEnd | undefined> {
  const status = await results.wait(id, until, signal)
  if (!status) return undefined
  const { state, result, error } = status
  return { ok: state === "succeeded", id, state, result, error }
}

async function groupEnd(
  parts: Parts,
  id: string,
  until: Millis,
  signal?: AbortSignal,
): Promise<FlowEnd | undefined> {
  const { groups, clock } = parts
  while (!signal?.aborted) {
    const [group] = await groups.get([id])
    if (group?.state === "complete")
      return { ok: true, id, state: "complete", result: await resultsOf(groups, group) }
    if (group?.state === "broken") {
      const failed = (await arrivalsOf(groups, id)).find(({ ok }) => !ok)
      return { ok: false, id, state: "broken", error: failed?.error }
    }
    const left = until - clock.now()
    if (left <= 0) return undefined
    await clock.sleep(Math.min(LOOK, left), signal)
  }
  return undefined
}

async function resultsOf(groups: Parts["groups"], { id, size }: GroupFacts): Promise<readonly unknown[]> {
  const results = new Array<unknown>(size).fill(null)
  for (const { index, ok, result } of await arrivalsOf(groups, id)) if (ok) results[index] = result ?? null
  return results
}

/** All that has arrived, in order. */
export async function arrivalsOf(groups: Parts["groups"], id: string): Promise<readonly Arrival[]> {
  const arrivals: Arrival[] = []
  for (let from = 0; ; ) {
    const page = await groups.arrivals(id, from, PAGE)
    arrivals.push(...page)
    if (page.length < PAGE) return arrivals
    from = (page.at(-1) as Arrival).index + 1
  }
}
