import type { Millis } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import { invalid } from "../kit/errors.ts"
import type { Envelope, GroupLink, Link, TaskId, TaskLink } from "../task/envelope.ts"
import type { Flow, GroupFlow, Step } from "../task/flow.ts"
import type { EnqueueOptions } from "../task/options.ts"
import { stepAfter } from "../task/steps.ts"
import { bodyIdOf, type Sending, start } from "./start.ts"

/** A flow as it is sent, and where its ends are. */
export interface LaidOut extends Sending {
  /** Of the first task, or of the group it begins with. */
  readonly id: TaskId
  /** What its chain passes, in order. */
  readonly trail: readonly Stop[]
  /** The same where another task has taken the place of the first. */
  trailFrom(id: TaskId): readonly Stop[]
}

/** A task by its id, or a group. */
export type Stop = { readonly task: TaskId } | { readonly group: string }

/** Makes the envelope of one step with these of its options; its id counts for nothing. Throws for what can not be sent. */
export type MakeStep = (step: Step, options: EnqueueOptions) => Envelope

/**
 * Turns a flow into what the store is given: the tasks that begin it, with all that follows written into them, and the
 * groups that are open from the start. Throws `empty_flow` for a chain of nothing, `unique_step` for a double that others
 * would wait for, and what `make` throws.
 */
export function layOut(
  flow: Flow,
  how: { id: TaskId; now: Millis; parent?: TaskId; root?: TaskId },
  make: MakeStep,
): LaidOut {
  const links = linksOf(flow, make, true)
  const into: LaidOut = {
    ...{ envelopes: [], groups: [], id: how.id },
    ...{ trail: trailOf(how.id, links), trailFrom: (id: TaskId) => trailOf(id, links) },
  }
  start(joined(links), how, into)
  return into
}

function linksOf(flow: Flow, make: MakeStep, first: boolean): readonly Link[] {
  if (flow.kind === "task") return [taskLink(flow, make, first)]
  if (flow.kind === "group") return [groupLink(flow, make)]
  const links = flow.steps.flatMap((one, at) => linksOf(one, make, first && at === 0))
  if (links.length === 0) throw invalid("empty_flow", "a chain has no steps", "Give it at least one.")
  return links
}

function taskLink(step: Step, make: MakeStep, first: boolean): TaskLink {
  const { delay, merge, id: _, ...options } = step.options ?? {}
  const envelope = make(step, options)
  // Where the store refuses it as a double, nobody would arrive in its place.
  if (envelope.unique && !first)
    throw invalid(
      "unique_step",
      `${envelope.task} is unique, and others of its flow wait for it: as a double it would never end`,
      "Only the first task of a flow may be unique. Send this one with unique: false.",
    )
  const {
    v: __,
    id: ___,
    enqueuedAt: ____,
    parent: _____,
    root: ______,
    input,
    headers,
    dueAt,
    ...link
  } = envelope
  return {
    ...link,
    ...(input !== null && { input }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(delay !== undefined && { delayMs: parseDuration(delay) }),
    ...(merge !== undefined && { merge }),
    // A link is due when it is sent, unless it names an instant.
    ...(options.at !== undefined && { dueAt }),
  }
}

function groupLink({ members, tolerate, broken }: GroupFlow, make: MakeStep): GroupLink {
  if (tolerate !== undefined && (!Number.isInteger(tolerate) || tolerate < 0))
    throw invalid(
      "invalid_tolerance",
      `a group can not tolerate ${tolerate} failures`,
      "Give a whole number.",
    )
  return {
    members: members.map((member) => joined(linksOf(member, make, false))),
    ...(tolerate !== undefined && { tolerate }),
    ...(broken && { broken: taskLink(broken, make, false) }),
  }
}

/** A chain as its first link, which carries the rest. */
function joined(links: readonly Link[]): Link {
  const [first, ...rest] = lean(links) as [Link, ...Link[]]
  return rest.length > 0 ? { ...first, then: rest } : first
}

/** What is said of where a task goes is not carried along where it is said of the task before it. */
const lean = (links: readonly Link[]): readonly Link[] =>
  links.map((link, at) => {
    const before = links[at - 1]
    if (!before || "members" in before || "members" in link) return link
    if (before.queue !== link.queue || before.priority !== link.priority) return link
    const { queue: _, priority: __, ...rest } = link
    return rest
  })

/** The ids that the steps of a chain will have; those that `start` and `nextOf` give. */
function trailOf(id: TaskId, links: readonly Link[]): readonly Stop[] {
  const trail: Stop[] = []
  let at = id
  let before: Link | undefined
  for (const link of links) {
    if (before && "members" in before) {
      at = bodyIdOf(at)
      // Between two groups stands a joint.
      if ("members" in link) {
        trail.push({ task: at })
        at = stepAfter(at)
      }
    } else if (before) at = stepAfter(at)
    trail.push("members" in link ? { group: at } : { task: at })
    before = link
  }
  return trail
}
