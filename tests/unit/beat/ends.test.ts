import { expect, test } from "bun:test"
import { decide } from "../../../src/core/beat/decide.ts"
import { readEnds } from "../../../src/core/beat/turn.ts"
import type { ClaimedSchedule } from "../../../src/core/contracts/schedules.ts"
import { every } from "../../support/schedules.ts"

const claimed = (name: string, more: Record<string, unknown>): ClaimedSchedule => ({
  schedule: every(name, 1000, more),
  state: { nextAt: 1000, runs: 5, failures: 0, open: [`${name}@1`] },
  lease: { id: name, holder: "b", token: 1, expiresAt: 0 },
})

test("a live task is looked for only where a firing hangs on it; elsewhere it counts as live until it has ended", async () => {
  const list = [
    claimed("lax", {}),
    claimed("skip", { overlap: "skip" }),
    claimed("row", { pauseAfterFailures: 3 }),
  ]
  const asked: string[][] = []
  const parts = {
    results: { get: async (ids: readonly string[]) => ids.map(() => undefined) },
    inspector: {
      find: async (ids: readonly string[]) => {
        asked.push([...ids])
        return ids.map(() => undefined)
      },
    },
  } as unknown as Parameters<typeof readEnds>[0]
  const endOf = await readEnds(parts, list)
  expect(asked).toEqual([["skip@1", "row@1"]])
  expect(["lax@1", "skip@1", "row@1"].map(endOf)).toEqual(["live", undefined, undefined])
})

test("a schedule whose firings hang on nothing remembers only its latest tasks", () => {
  const state = { nextAt: 1000, runs: 0, failures: 0, open: ["a", "b", "c", "d"] }
  const due = { fire: [1000], skip: [], nextAt: 2000 }
  const open = (more: Record<string, unknown>) =>
    decide(every("s", 1000, more), state, due, () => "live", 1000).state.open
  expect(open({})).toEqual(["c", "d", "s@1970-01-01T00:00:01Z"])
  expect(open({ pauseAfterFailures: 9 })).toHaveLength(5)
})
