import { start } from "../../src/core/canvas/start.ts"
import type { Envelope, TaskLink } from "../../src/core/task/envelope.ts"
import type { Group } from "../../src/core/task/group.ts"
import type { Place } from "../places.ts"
import { openIn, runSome } from "./stem.ts"
import { type DrainAsk, inputOf, lists, type Timed } from "./system.ts"

/** Links of a chain, and keys that take turns. */
export const LINKS = 10
export const KEYS = 100

/** What is drained: ordinary tasks, or those of a flow. */
export type Kind = "plain" | "sent" | "members" | "links" | "unique" | "fair"

interface Sent {
  readonly envelopes: Envelope[]
  readonly groups: Group[]
}

const taskOf = (n: number, more: Partial<Envelope> = {}): Envelope => {
  const now = Date.now()
  const id = `0195a3c1-7b1e-7000-8000-${String(n).padStart(12, "0")}`
  return {
    ...{ v: 1, id, task: "nothing", input: inputOf(n), queue: "default", priority: 5 },
    ...{ enqueuedAt: now, dueAt: now, headers: {}, ...more },
  }
}

const each = (tasks: number, make: (n: number) => Envelope) =>
  Array.from({ length: tasks }, (_, n) => make(n))

/** As a chain carries them. */
const linksOf = (count: number): readonly TaskLink[] =>
  each(count, taskOf).map(({ task, input }) => ({ task, input }))

const SENT: Record<Kind, (tasks: number) => Sent> = {
  plain: (tasks) => ({ envelopes: each(tasks, (n) => taskOf(n)), groups: [] }),

  sent: (tasks) => SENT.plain(tasks),

  members(tasks) {
    const into: Sent = { envelopes: [], groups: [] }
    const members = each(tasks - 1, (n) => taskOf(n))
    start({ members, then: [taskOf(tasks)] }, { id: "group", now: Date.now() }, into)
    return into
  },

  links: (tasks) => ({
    envelopes: each(tasks / LINKS, (n) => taskOf(n, { then: linksOf(LINKS - 1) })),
    groups: [],
  }),

  unique: (tasks) => ({
    envelopes: each(tasks, (n) => taskOf(n, { unique: { key: `customer:${n}`, mode: "live" } })),
    groups: [],
  }),

  fair: (tasks) => ({
    envelopes: each(tasks, (n) => taskOf(n, { fair: { key: `customer:${n % KEYS}` } })),
    groups: [],
  }),
}

/** Stores the tasks and runs them all; only the running is timed, with what it sends itself, but of "sent" both. */
export async function drainOf(place: Place, kind: Kind, ask: DrainAsk): Promise<Timed> {
  const { envelopes, groups } = SENT[kind](ask.tasks)
  const stores = await openIn(place)
  const began = performance.now()
  for (const list of lists(envelopes.length, 10_000))
    await stores.broker.enqueue(list.map((n) => envelopes[n] as Envelope))
  if (groups.length > 0) await stores.broker.enqueue([], groups)
  const sending = performance.now() - began
  await stores.close()
  const { tasks, ms } = await runSome(place, ask)
  return { tasks, ms: kind === "sent" ? ms + sending : ms }
}
