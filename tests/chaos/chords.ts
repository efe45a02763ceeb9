import { expect } from "bun:test"
import type { SentFlow } from "../../src/core/client/flows.ts"
import { chord, step } from "../../src/core/task/flow.ts"
import { fact, type Scene } from "./scene.ts"

const MEMBERS = 8

/** What was sent: chords whose members do a little work, every fourth with one that fails for good. */
export interface Chords {
  readonly sent: readonly SentFlow[]
  readonly tasks: number
}

/** Sends so many chords. */
export async function sendChords({ client }: Scene, count: number): Promise<Chords> {
  const sent: SentFlow[] = []
  for (let n = 0; n < count; n++) {
    const members = Array.from({ length: MEMBERS }, () => step("work", { ms: 40 }))
    const all = isBroken(n) ? [...members.slice(1), step("never")] : members
    sent.push(await client.enqueue(chord(all, step("gathered"), { broken: step("gathered") })))
  }
  return { sent, tasks: count * MEMBERS }
}

const isBroken = (n: number) => n % 4 === 3

/** Waits until every chord has ended, and holds what is there against what was sent. Answers how many runs there were. */
export async function judgeChords(scene: Scene, { sent }: Chords, withinMs: number): Promise<number> {
  const { stores } = scene
  const ids = sent.map(({ id }) => id)
  const ends = ids.map((id, n) => `${id}:${isBroken(n) ? "broken" : "body"}`)
  const others = ids.map((id, n) => `${id}:${isBroken(n) ? "body" : "broken"}`)
  await fact(
    async () => (await stores.groups.get(ids)).every((group) => group?.arrived === MEMBERS),
    withinMs,
    "every member arrives",
  )
  const statuses = await scene.ended(ends, withinMs)
  expect(await stores.results.get(others)).toEqual(others.map(() => undefined))
  const groups = await stores.groups.get(ids)
  for (const [n, group] of groups.entries()) {
    const broken = isBroken(n)
    expect(group).toMatchObject({ state: broken ? "broken" : "complete", failed: broken ? 1 : 0 })
    const { state, result } = statuses[n] as (typeof statuses)[number]
    const got = (result as { result: unknown }).result
    expect(state).toBe("succeeded")
    if (broken) expect(got).toMatchObject({ group: ids[n], failed: [{ index: MEMBERS - 1 }] })
    else {
      // The body was given what each member came to last, in order: no ghost's result.
      const members = await stores.results.get(Array.from({ length: MEMBERS }, (_, at) => `${ids[n]}:${at}`))
      expect(got).toEqual(members.map((member) => member?.result))
    }
  }
  expect(await stores.groups.sweep(1000)).toEqual([])
  return scene.journal().length
}
