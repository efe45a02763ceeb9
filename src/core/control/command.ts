import type { Answer, Order, Presence, WorkerRegistry } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { uuidv7 } from "../kit/id.ts"

/** What became of an order: each addressed worker's answer, or that there was none in time. */
export interface Replies {
  readonly answered: readonly Answer[]
  readonly silent: readonly Presence[]
}

/** What a command is sent through. */
export interface CommandParts {
  readonly registry: Pick<WorkerRegistry, "send" | "answers">
  readonly clock: Clock
}

/** How often the answers are looked at: soon at first, for most are there at once. */
const FIRST_LOOK: Millis = 10
const LONGEST_LOOK: Millis = 100

/** Sends an order to every one of these workers and collects what they answer, for so long at most. */
export async function command(
  { registry, clock }: CommandParts,
  order: Order,
  workers: readonly Presence[],
  timeoutMs: Millis,
): Promise<Replies> {
  const id = uuidv7(clock)
  const expiresAt = clock.now() + timeoutMs
  await registry.send(
    { v: 1, id, order, expiresAt },
    workers.map((worker) => worker.id),
  )
  const began = clock.monotonic()
  for (let pause = FIRST_LOOK; ; pause = Math.min(pause * 1.5, LONGEST_LOOK)) {
    const answered = await registry.answers(id)
    const heard = new Set(answered.map(({ worker }) => worker))
    const silent = workers.filter((worker) => !heard.has(worker.id))
    if (silent.length === 0 || clock.monotonic() - began >= timeoutMs) return { answered, silent }
    await clock.sleep(pause)
  }
}

/**
 * The workers that are meant, by name or id, or by the beginning of an id; without any, all. Those that take no
 * commands are left out. `unknown`: what fits nobody.
 */
export function addressed(
  workers: readonly Presence[],
  words: readonly string[],
): { readonly meant: readonly Presence[]; readonly unknown: readonly string[] } {
  const hearing = workers.filter(({ hears }) => hears)
  if (words.length === 0) return { meant: hearing, unknown: [] }
  const fits = (word: string) => {
    const exact = hearing.filter(({ id, name }) => id === word || name === word)
    return exact.length > 0 ? exact : hearing.filter(({ id }) => word !== "" && id.startsWith(word))
  }
  return {
    meant: [...new Set(words.flatMap(fits))],
    unknown: words.filter((word) => fits(word).length === 0),
  }
}
