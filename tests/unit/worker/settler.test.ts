import { describe, expect, test } from "bun:test"
import type { Broker } from "../../../src/core/contracts/broker.ts"
import { unavailable } from "../../../src/core/kit/errors.ts"
import type { WorkerEvent } from "../../../src/core/observe/events.ts"
import { createStoreWatch } from "../../../src/core/observe/store-watch.ts"
import type { Settled, Settlement } from "../../../src/core/task/verdict.ts"
import { createSettler } from "../../../src/core/worker/settler.ts"
import { manualClock } from "../../support/manual-clock.ts"

const settlement = (id: string): Settlement => ({
  lease: { id, holder: "w", token: 1, expiresAt: 0 },
  verdict: { kind: "ack" },
  next: [],
})

function desk(settlesAtOnce?: number) {
  const clock = manualClock()
  const events: WorkerEvent[] = []
  const calls: { ids: string[]; answer: (settled: Settled[] | Error) => void }[] = []
  const broker = {
    ...(settlesAtOnce && { settlesAtOnce }),
    settle: (batch: readonly Settlement[]) =>
      new Promise<Settled[]>((resolve, reject) => {
        calls.push({
          ids: batch.map(({ lease }) => lease.id),
          answer: (settled) => (settled instanceof Error ? reject(settled) : resolve(settled)),
        })
      }),
  } as unknown as Broker
  const settler = createSettler(
    broker,
    createStoreWatch((event) => events.push(event), clock),
  )
  return { clock, events, calls, settler }
}

describe("the settler", () => {
  test("gathers while one settle is in flight, and answers in order", async () => {
    const { clock, calls, settler } = desk()
    const answers = ["a", "b"].map((id) => settler.settle(settlement(id)))
    await clock.advance(0)
    answers.push(...["c", "d", "e"].map((id) => settler.settle(settlement(id))))
    await clock.advance(0)
    expect(calls.map(({ ids }) => ids)).toEqual([["a", "b"]])
    expect(settler.pending()).toBe(5)
    calls[0]?.answer(["settled", "stale"])
    await clock.advance(0)
    expect(calls.map(({ ids }) => ids)).toEqual([
      ["a", "b"],
      ["c", "d", "e"],
    ])
    calls[1]?.answer(["settled", "settled", "stale"])
    expect(await Promise.all(answers)).toEqual(["settled", "stale", "settled", "settled", "stale"])
    await settler.idle()
    expect(settler.pending()).toBe(0)
  })

  test("calls beside a call where the store likes that, once it is worth it", async () => {
    const { clock, calls, settler } = desk(2)
    const settle = (count: number, from: string) =>
      Array.from({ length: count }, (_, n) => settler.settle(settlement(`${from}${n}`)))
    const answers = settle(1, "a")
    await clock.advance(0)
    answers.push(...settle(99, "b"))
    await clock.advance(0)
    expect(calls.map(({ ids }) => ids.length)).toEqual([1])
    answers.push(...settle(1, "c"))
    await clock.advance(0)
    expect(calls.map(({ ids }) => ids.length)).toEqual([1, 100])
    answers.push(...settle(500, "d"))
    await clock.advance(0)
    expect(calls).toHaveLength(2)
    expect(settler.pending()).toBe(601)
    calls[1]?.answer(Array.from({ length: 100 }, () => "settled"))
    await clock.advance(0)
    expect(calls.map(({ ids }) => ids.length)).toEqual([1, 100, 500])
    calls[0]?.answer(["stale"])
    calls[2]?.answer(Array.from({ length: 500 }, () => "settled"))
    await settler.idle()
    expect((await Promise.all(answers)).filter((answer) => answer === "stale")).toEqual(["stale"])
    expect(settler.pending()).toBe(0)
  })

  test("keeps what the store did not take and tries again, saying once that the store is away", async () => {
    const { clock, calls, events, settler } = desk()
    const answer = settler.settle(settlement("a"))
    for (let n = 0; n < 3; n++) {
      await clock.advance(1000)
      calls[n]?.answer(unavailable("store_away", "away"))
    }
    await clock.advance(1000)
    calls[3]?.answer(["settled"])
    expect(await answer).toBe("settled")
    expect(events.map(({ kind }) => kind)).toEqual(["store_lost", "store_back"])
  })

  test("leaves what is pending to others when it gives up", async () => {
    const { clock, calls, settler } = desk()
    const answer = settler.settle(settlement("a"))
    await clock.advance(0)
    const gathering = settler.settle(settlement("b"))
    calls[0]?.answer(unavailable("store_away", "away"))
    settler.giveUp()
    expect(await answer).toBe("stale")
    expect(await gathering).toBe("stale")
    expect(await settler.settle(settlement("c"))).toBe("stale")
    await settler.idle()
    expect(calls).toHaveLength(1)
  })
})
