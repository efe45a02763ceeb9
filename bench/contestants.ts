/** Who takes part in a measure, and how they take turns. */
import { inChild, inNode } from "./child.ts"
import type { Place, StoreName } from "./places.ts"
import { system as barePostgres } from "./systems/bare-postgres.ts"
import { system as bareIoredis } from "./systems/bare-redis.ts"
import { system as bareSqlite } from "./systems/bare-sqlite.ts"
import { aboutOn } from "./systems/stem.ts"
import type { About, DrainAsk, Timed } from "./systems/system.ts"

export interface Contestant {
  readonly about: About
  readonly module: string
  /** The name under which the module exports it. */
  readonly as: string
  /** Part of the asked number of tasks it is given, so that a slow one does not take all day. */
  readonly share: number
  /** At once, as a part of what is asked; 1 unless said. */
  readonly atOnce?: number
  readonly runtime?: "node"
}

export const stemOn = (store: StoreName): Contestant => ({
  ...{ about: aboutOn(store), module: "systems/stem.ts", as: "system", share: 1 },
})

// While half of Stem's tasks are in the handlers' processes, the other half is in one call to the store.
const bare = (about: About, module: string): Contestant => ({
  ...{ about, module, as: "system", share: 1, atOnce: 0.5 },
})

/** The loop of the same calls to the store by its raw client. */
export const BARE: Record<StoreName, Contestant> = {
  sqlite: bare(bareSqlite.about, "systems/bare-sqlite.ts"),
  redis: bare(bareIoredis.about, "systems/bare-redis.ts"),
  postgres: bare(barePostgres.about, "systems/bare-postgres.ts"),
}

/** A method of the contestant, in a process of its own. */
export const perform = (
  { module, as, runtime }: Contestant,
  method: "enqueueOne" | "enqueueMany" | "drain",
  place: Place,
  ask: number | DrainAsk,
): Promise<Timed> => (runtime === "node" ? inNode : inChild)<Timed>(module, `${as}.${method}`, place, ask)

/** Rounds in which each takes one turn, in an order that alternates: A B, B A, A B … */
export async function inTurns<Key, Answer>(
  keys: readonly Key[],
  rounds: number,
  turn: (key: Key) => Promise<Answer>,
): Promise<ReadonlyMap<Key, readonly Answer[]>> {
  const answers = new Map<Key, Answer[]>(keys.map((key) => [key, []]))
  for (let round = 0; round < rounds; round++)
    for (const key of round % 2 === 0 ? keys : keys.toReversed()) answers.get(key)?.push(await turn(key))
  return answers
}
