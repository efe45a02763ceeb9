import type { Millis } from "../kit/clock.ts"
import { derivedId } from "../kit/derived-id.ts"
import type { Envelope, GroupLink, Link, TaskId } from "../task/envelope.ts"
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
  /** The place that the end of it takes in a group. */
  readonly place?: Membership | undefined
}

/** Sends a link: the task, or all members of the group, with everything that is to follow written into them. */
export function start(link: Link, how: Start, into: Sending): void {
  if ("members" in link) startGroup(link, how, into)
  else into.envelopes.push(started(link, how))
}

function started(link: Envelope, { id, now, before, parent, root, place }: Start): Envelope {
  const { delayMs = 0, merge, ...rest } = link
  const sent: Envelope = {
    ...rest,
    id,
    input: before ? inputWith(link, before.result) : link.input,
    enqueuedAt: now,
    dueAt: Math.max(now + delayMs, link.dueAt),
    ...(parent !== undefined && { parent }),
    ...(root !== undefined && { root }),
    // Results that are yet to be gathered are merged when it runs.
    ...(rest.gathers && merge !== undefined && { merge }),
  }
  return place ? placed(sent, place) : sent
}

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
  const end = { now, parent: parent ?? id, root }
  const gathers = { group: id, what: "results" } as const
  const body = bodyOf(link, place)
  const broken = [
    ...(link.broken ? [{ ...link.broken, id: derivedId(id, ":broken") }] : []),
    ...(place ? [{ ...joint(link, BROKE), id: derivedId(id, ":broke"), group: place }] : []),
  ].map((one) => ({
    ...started(one, { ...end, id: one.id }),
    gathers: { group: id, what: "failures" as const },
  }))
  into.groups.push({
    ...{ v: 1, id, size: link.members.length, openedAt: now },
    ...(link.tolerate && { tolerate: link.tolerate }),
    ...(body && { body: started({ ...body, gathers }, { ...end, id: bodyIdOf(id) }) }),
    ...(broken.length > 0 && { broken }),
  })
}

/** What is sent when all are there: the next task of the chain, or a joint where that is a group or the chain is over. */
function bodyOf(link: GroupLink, place: Membership | undefined): Envelope | undefined {
  const [first, ...rest] = link.then ?? []
  if (!first) return place && { ...joint(link, COLLECT), group: place }
  const body =
    "members" in first
      ? { ...joint(link, COLLECT), then: [first, ...rest] }
      : { ...first, ...(rest.length > 0 && { then: rest }) }
  return place ? placed(body, place) : body
}

/** A task of Stem's own, on the queue of whatever is nearest. */
function joint(near: Link, task: string): Envelope {
  const { queue, priority } = leafOf(near) ?? { queue: "default", priority: 5 }
  return { v: 1, id: "link", task, input: null, queue, priority, enqueuedAt: 0, dueAt: 0, headers: {} }
}

function leafOf(link: Link): Envelope | undefined {
  if (!("members" in link)) return link
  for (const one of [...link.members, ...(link.then ?? [])]) {
    const leaf = leafOf(one)
    if (leaf) return leaf
  }
  return undefined
}

/** Whatever ends last takes the place. */
function placed<T extends Link>(link: T, place: Membership): T {
  const last = link.then?.at(-1)
  if (!last) return { ...link, group: place }
  return { ...link, then: [...(link.then ?? []).slice(0, -1), placed(last, place)] }
}
