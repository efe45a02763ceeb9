import { expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import type { WorkerEvent } from "../../../src/core/observe/events.ts"
import { janitor, sweep } from "../../../src/core/upkeep/janitor.ts"
import { manualClock } from "../../support/manual-clock.ts"

const RETENTION = { successesMs: 1000, failuresMs: 1000, deadLettersMs: 1000 }
let stores = 0

/** So many workers' janitors on one store, and the rounds that were done. */
async function house(count: number) {
  const clock = manualClock()
  const driver = await open(`memory:janitor-${++stores}`, { namespace: "t", clock })
  const rounds: { at: number; by: string }[] = []
  const events: WorkerEvent[] = []
  const over = new AbortController()
  let failing = false
  for (let n = 0; n < count; n++) {
    const { results } = driver
    const prune = async (ask: Parameters<typeof results.prune>[0]) => {
      rounds.push({ at: clock.now(), by: `w${n}` })
      if (failing) throw new Error("away")
      return results.prune(ask)
    }
    const parts = { ...driver, holder: `w${n}`, retention: RETENTION, clock }
    void janitor(
      {
        ...{ ...parts, results: { ...results, prune } },
        emit: (event) => void events.push(event),
      },
      over.signal,
    )
  }
  return {
    ...{ clock, driver, rounds, events },
    fail(now: boolean) {
      failing = now
    },
    [Symbol.dispose]: () => over.abort(),
  }
}

test("of many workers one does the round of the janitor", async () => {
  using many = await house(10)
  await many.clock.advance(600_000)
  expect(many.rounds.length).toBeGreaterThanOrEqual(7)
  expect(many.rounds.length).toBeLessThanOrEqual(14)
})

test("a round that failed is the next one's at once", async () => {
  using many = await house(10)
  many.fail(true)
  await many.clock.advance(70_000)
  const failed = many.rounds.length
  expect(failed).toBeGreaterThan(5)
  expect(many.events.every(({ kind }) => kind === "upkeep_failed")).toBeTrue()
  many.fail(false)
  await many.clock.advance(60_000)
  expect(many.rounds.length).toBeLessThanOrEqual(failed + 3)
})

test("what is empty is given back piece by piece, until there is no more or another has the turn", async () => {
  const clock = manualClock()
  const driver = await open(`memory:janitor-${++stores}`, { namespace: "t", clock })
  let pieces = 0
  const round = (goOn: () => Promise<boolean>) =>
    sweep(
      {
        ...{ ...driver, holder: "w", retention: RETENTION, clock, emit() {} },
        giveBack: async () => ++pieces % 5 !== 0,
      },
      new AbortController().signal,
      goOn,
    )
  const done = round(async () => true)
  await clock.advance(1000)
  await done
  expect(pieces).toBe(5)
  await round(async () => false)
  expect(pieces).toBe(6)
})

test("what limits have kept beyond its time is removed", async () => {
  using house1 = await house(1)
  const { limits } = house1.driver
  await limits.take([{ id: "a", token: 1, limits: [{ key: "k", bucket: { everyMs: 10, burst: 1 } }] }], 10, 1)
  await house1.clock.advance(200_000)
  expect(await limits.prune(10)).toBe(0)
})
