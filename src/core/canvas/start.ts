import type { Millis } from "../kit/clock.ts"
import { derivedId } from "../kit/derived-id.ts"
import type { Envelope, GroupLink, Link, TaskId, TaskLink } from "../task/envelope.ts"
import { type Group, membershipOf } from "../task/group.ts"
import type { Membership } from "../task/membership.ts"
import { BROKE, COLLECT } from "./builtin.ts"
import { inputWith } from "./merge.ts"

/** What is sent together: tasks, and the groups that some of them are members of. */
export interface Sending {
  readonly envelopes: Envelope[]
  readonly groups: Group[]
}

/** How a link is sent. */
export interface Start {
  /** Of the task, or of the group. */
  readonly id: TaskId
  readonly now: Millis
  /** What came before it; absent at the beginning of a flow. */
  readonly before?: { readonly result: unknown } | undefined
  readonly parent?: TaskId | undefined
  readonly root?: TaskId | undefined
  /** The task before it, whose queue and priority it has where it names none. */
  readonly from?: Pick<Envelope, "queue" | "priority"> | undefined
  /** The place that the end of it takes in a group. */
  readonly place?: Membership | undefined
}

/** Sends a link: the task, or all members of the group, with everything that is to follow written into them. */
export function start(link: Link, how: Start, into: Sending): void {
  if ("members" in link) startGroup(link, how, into)
  else into.envelopes.push(started(link, how))
}

/** Where a task goes about which nobody said anything. */
const PLAIN = { queue: "default", priority: 5 }

function started(link: TaskLink, how: Start, gathers?: Envelope["gathers"]): Envelope {
  const { id, now, before, parent, root, place, from = PLAIN } = how
  if (!place && !gathers && isSimple(link)) return simple(link, how)
  const { delayMs = 0, merge, input = null, dueAt = 0, headers = {}, ...rest } = link
  const sent: Envelope = {
    ...{ ...from, ...rest, v: 1, id },
    input: before ? inputWith({ input, merge }, before.result) : input,
    enqueuedAt: now,
    dueAt: Math.max(now + delayMs, dueAt),
    headers,
    ...(parent !== undefined && { parent }),
    ...(root !== undefined && { root }),
    // Results that are yet to be gathered are merged when it runs.
    ...(gathers && { gathers, ...(merge !== undefined && { merge }) }),
  }
  return place ? placed(sent, place) : sent
}

/** Whether it says no more than what is done, with what, and what comes then. */
function isSimple(link: TaskLink): boolean {
  for (const field in link)
    if (
      !(
        field === "task" ||
        field === "input" ||
        field === "then" ||
        field === "queue" ||
        field === "priority"
      )
    )
      return false
  return true
}

/** The same envelope, written out field by field: links of chains come by the thousand. */
const simple = (
  { task, input = null, then, queue, priority }: TaskLink,
  { id, now, before, parent, root, from = PLAIN }: Start,
): Envelope => ({
  v: 1,
  id,
  task,
  input: before ? inputWith({ input }, before.result) : input,
  queue: queue ?? from.queue,
  priority: priority ?? from.priority,
  enqueuedAt: now,
  dueAt: now,
  headers: {},
  then,
  parent,
  root,
})

/** The id of what is sent when all members of a group are there. */
export const bodyIdOf = (group: string): TaskId => derivedId(group, ":body")

function startGroup(link: GroupLink, how: Start, into: Sending): void {
  const { id, now, parent } = how
  const root = how.root ?? id
  // A group in the middle of a member's chain tells the outer group, too, when it is broken.
  const place = how.place ?? membershipOf(link)
  link.members.forEach((member, index) => {
    const own = { ...how, id: derivedId(id, `:${index}`), root, place: { group: id, index } }
    start(member, own, into)
  })
  const end = { now, parent: parent ?? id, root, from: how.from }
  const body = bodyOf(link, place)
  const failures = { group: id, what: "failures" } as const
  const broken = [
    ...(link.broken ? [started(link.broken, { ...end, id: derivedId(id, ":broken") }, failures)] : []),
    ...(place
      ? [started({ ...joint(link, BROKE), group: place }, { ...end, id: derivedId(id, ":broke") }, failures)]
      : []),
  ]
  into.groups.push({
    ...{ v: 1, id, size: link.members.length, openedAt: now },
    ...(link.tolerate && { tolerate: link.tolerate }),
    ...(body && { body: started(body, { ...end, id: bodyIdOf(id) }, { group: id, what: "results" }) }),
    ...(broken.length > 0 && { broken }),
  })
}

/** What is sent when all are there: the next task of the chain, or a joint where that is a group or the chain is over. */
function bodyOf(link: GroupLink, place: Membership | undefined): TaskLink | undefined {
  const [first, ...rest] = link.then ?? []
  if (!first) return place && { ...joint(link, COLLECT), group: place }
  const body =
    "members" in first
      ? { ...joint(link, COLLECT), then: [first, ...rest] }
      : { ...first, ...(rest.length > 0 && { then: rest }) }
  return place ? placed(body, place) : body
}

/** A task of Stem's own, on the queue of whatever is nearest. */
function joint(near: Link, task: string): TaskLink {
  const { queue, priority } = leafOf(near) ?? {}
  return { task, ...(queue !== undefined && { queue }), ...(priority !== undefined && { priority }) }
}

function leafOf(link: Link): TaskLink | undefined {
  if (!("members" in link)) return link
  for (const one of [...link.members, ...(link.then ?? [])]) {
    const leaf = leafOf(one)
    if (leaf) return leaf
  }
  return undefined
}

/** Whatever ends last takes the place. */
function placed<T extends Pick<Envelope, "then" | "group">>(link: T, place: Membership): T {
  const last = link.then?.at(-1)
  if (!last) return { ...link, group: place }
  return { ...link, then: [...(link.then ?? []).slice(0, -1), placed(last, place)] }
}
