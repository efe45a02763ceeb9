import { expect, test } from "bun:test"
import { createSpeedometer, rateText, sumOf } from "../../../src/commands/top/rates.ts"
import { type Sight, sightJson, sightTable } from "../../../src/commands/top/view.ts"
import type { Presence } from "../../../src/core/contracts/workers.ts"

const AT = Date.parse("2026-03-01T12:00:00Z")
const worker = (more: Partial<Presence> = {}): Presence => ({
  ...{ v: 1, id: "w-1", name: "w", host: "h", pid: 1, version: "0", state: "running", queues: ["default"] },
  ...{ concurrency: 4, tasks: [], running: [], done: { succeeded: 0, failed: 0, retried: 0 } },
  ...{ startedAt: AT - 60_000, seenAt: AT, rssBytes: 50 * 1024 ** 2 },
  ...more,
})
const done = (succeeded: number, failed = 0) => ({ succeeded, failed, retried: 0 })
const plain = (_: string, text: string) => text

test("rates are those between two signs of life, at first those since the start", () => {
  const speed = createSpeedometer()
  expect(speed.of(worker({ done: done(120) })).succeeded).toBe(2)
  expect(speed.of(worker({ done: done(120) })).succeeded).toBe(2)
  const next = worker({ done: done(170, 5), seenAt: AT + 5000 })
  expect(speed.of(next)).toEqual({ succeeded: 10, failed: 1, retried: 0 })
  // What counts fewer than before is another one of its name.
  expect(speed.of(worker({ seenAt: AT + 10_000 })).succeeded).toBe(0)
  speed.keep([])
  expect(speed.of(worker({ done: done(60) })).succeeded).toBe(1)
  expect(speed.of(worker({ id: "new", seenAt: AT, startedAt: AT })).succeeded).toBe(0)
  expect(sumOf([done(1, 2), done(3)])).toEqual({ succeeded: 4, failed: 2, retried: 0 })
})

test.each([
  [0, "0"],
  [0.254, "0.25"],
  [3.14, "3.1"],
  [42.4, "42"],
  [1234.5, "1235"],
] as const)("a rate of %p is written %s", (rate, text) => expect(rateText(rate)).toBe(text))

const running = Array.from({ length: 30 }, (_, n) => ({
  id: `t-${n}`,
  task: "nap",
  startedAt: AT - n * 1000,
}))
const SIGHT: Sight = {
  ...{ at: AT, namespace: "shop" },
  queues: [
    {
      ...{ queue: "default", ready: 3, scheduled: 1, running: 30, retrying: 0, dead: 2, paused: true },
      oldestReadyAt: AT - 9000,
    },
  ],
  workers: [{ ...worker({ running, concurrency: 32 }), rates: { succeeded: 7.5, failed: 0, retried: 0.5 } }],
}

test("what runs is shown the longest first, and cut to the screen", () => {
  const lines = sightTable(SIGHT, plain, { width: 100, height: 20 }).trimEnd().split("\n")
  expect(lines.length).toBeLessThan(20)
  expect(lines[0]).toBe("shop  12:00:00  1 worker  30/32 running  3 ready  7.5/s done  0.5/s failing  2 dead")
  expect(lines.find((line) => line.includes("t-"))).toMatch(/29s {2}nap {3}w {7}t-29/)
  expect(lines.at(-1)).toMatch(/^and \d+ more$/)
  expect(sightTable(SIGHT, plain).match(/ t-\d+/g)).toHaveLength(30)
  expect(sightTable({ ...SIGHT, queues: [], workers: [] }, plain)).toContain("No worker is running.")
})

test("programs are given totals and ages", () => {
  const json = sightJson(SIGHT)
  expect(json.totals).toMatchObject({ ready: 3, dead: 2, workers: 1, concurrency: 32 })
  expect(json.totals.perSecond).toEqual({ succeeded: 7.5, failed: 0, retried: 0.5 })
  expect(json.running[0]).toEqual({
    ...{ id: "t-29", task: "nap", worker: "w", startedAt: "2026-03-01T11:59:31.000Z", ageMs: 29_000 },
  })
})
