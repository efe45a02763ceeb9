/** What the bare loops over Stem's stores write: the envelopes and statuses of Stem, made with nothing around them. */
import { inputOf } from "./system.ts"

/** The priority that Stem gives where nobody says one, and what stores order by: 9 less that. */
export const PRIORITY = 5
export const RANK = 9 - PRIORITY

export const envelopeOf = (n: number, now: number) => ({
  v: 1,
  id: Bun.randomUUIDv7(),
  task: "nothing",
  input: inputOf(n),
  queue: "default",
  priority: PRIORITY,
  enqueuedAt: now,
  dueAt: now,
  headers: {},
})
export type Bare = ReturnType<typeof envelopeOf>

/** One that runs. */
export interface BareRun {
  readonly envelope: Bare
  readonly token: number
  readonly startedAt: number
}

export function statusOf(
  { id, task, queue, enqueuedAt, input }: Bare,
  run: { token: number; startedAt: number; now: number; worker: string },
) {
  const { token, startedAt, now, worker } = run
  const times = { enqueuedAt, startedAt, finishedAt: now }
  return { v: 1, id, task, queue, state: "succeeded", attempt: 1, token, ...times, worker, result: input.n }
}

/** As long as the name that a worker of Stem gives itself. */
export const newHolder = () => `bench-${Bun.randomUUIDv7()}`
