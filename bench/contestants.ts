/** Who takes part in a measure, and how they take turns. */
import { inChild, inFolder } from "./child.ts"
import { system as bare } from "./systems/bare-sqlite.ts"
import { system as stem } from "./systems/stem.ts"
import type { About, DrainAsk, Timed } from "./systems/system.ts"

export interface Contestant {
  readonly about: About
  readonly module: string
  /** The name under which the module exports it. */
  readonly as: string
  /** Part of the asked number of tasks it is given, so that a slow one does not take all day. */
  readonly share: number
}

export const STEM: Contestant = { about: stem.about, module: "systems/stem.ts", as: "system", share: 1 }
export const BARE: Contestant = {
  about: bare.about,
  module: "systems/bare-sqlite.ts",
  as: "system",
  share: 1,
}

/** A method of the contestant, in a process and a folder of its own. */
export const perform = (
  { module, as }: Contestant,
  method: "enqueueOne" | "enqueueMany" | "drain",
  ask: number | DrainAsk,
): Promise<Timed> => inFolder((folder) => inChild<Timed>(module, `${as}.${method}`, folder, ask))

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
