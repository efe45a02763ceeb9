import type { Limiter, Slot, Wait } from "../../core/contracts/limits.ts"
import {
  AHEAD,
  FORGOTTEN,
  type Grant,
  HANDED,
  IDLE,
  LATE,
  LEAD,
  type LimitAsk,
  LOOK,
  LOOK_APART,
} from "../../core/task/limit.ts"
import { limitTable } from "../../core/task/limit-table.ts"
import { CHUNK, chunks } from "./records.ts"
import type { Store } from "./store.ts"

const RULE = [LEAD, LATE, AHEAD, IDLE, LOOK, LOOK_APART, FORGOTTEN].map(String)

export function createLimits(store: Store): Limiter {
  const { clock } = store

  async function take(asks: readonly LimitAsk[], leaseMs: number, room: number): Promise<readonly Grant[]> {
    const { limits, places } = limitTable(asks)
    const answer = await store.run<(string | number)[]>("limitTake", [
      ...[String(clock.now()), String(leaseMs), String(room), ...RULE, String(limits.length)],
      ...limits.flatMap((limit) =>
        "most" in limit
          ? [limit.key, "", String(limit.most)]
          : [limit.key, String(limit.bucket.everyMs), String(limit.bucket.burst)],
      ),
      ...asks.flatMap(({ id, token }, at) => {
        const of = places[at] ?? []
        return [id, String(token), String(of.length), ...of.map(String)]
      }),
    ])
    return asks.map((_, at): Grant => {
      const [instant, place] = [Number(answer[2 * at]), Number(answer[2 * at + 1])]
      const limit = limits[place - 1]
      if (place < 0) return { kind: "later" }
      if (!limit) return { kind: "granted", at: instant }
      return { kind: "refused", retryAt: instant, on: limit.key, full: "most" in limit }
    })
  }

  /** One list after the other: what is handed on depends on what was given back. */
  async function release(
    verb: "free" | "park",
    items: readonly (Slot | Wait)[],
    last: (item: never) => number,
  ): Promise<readonly Slot[]> {
    const handed: Slot[] = []
    for (const some of chunks(items, CHUNK)) {
      const mosts = new Map(some.map(({ key, most }) => [key, most]))
      const places = new Map([...mosts.keys()].map((key, at) => [key, String(at + 1)]))
      const now = clock.now()
      const answer = await store.run<string[]>("limitFree", [
        ...[now, now + HANDED, FORGOTTEN, mosts.size].map(String),
        ...[...mosts].flatMap(([key, most]) => [key, String(most)]),
        verb,
        ...some.flatMap((item) => [places.get(item.key) as string, item.id, String(last(item as never))]),
      ])
      for (const [key, id] of chunks(answer, 2) as [string, string][])
        handed.push({ key, id, token: 0, most: mosts.get(key) as number })
    }
    return handed
  }

  return {
    async take(asks, leaseMs, room) {
      const grants: Grant[] = []
      let left = room
      for (const some of chunks(asks, CHUNK)) {
        const answers = await take(some, Math.round(leaseMs), left)
        left -= answers.filter(({ kind }) => kind === "granted").length
        grants.push(...answers)
      }
      return grants
    },

    async keep(slots, leaseMs) {
      const now = clock.now()
      const end = String(now + Math.round(leaseMs))
      for (const some of chunks(slots, CHUNK))
        await store.run("limitKeep", [
          ...[String(now), end],
          ...some.flatMap(({ key, id, token }) => [key, id, String(token)]),
        ])
    },

    free: (slots) => release("free", slots, ({ token }: Slot) => token),
    park: (waits) => release("park", waits, ({ retryAt }: Wait) => retryAt),

    // Every key of a limit expires by itself.
    prune: async () => 0,
  }
}
