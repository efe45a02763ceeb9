import { describe, expect, test } from "bun:test"
import { createSlots } from "../../../src/core/worker/slots.ts"
import { queueTurns } from "../../../src/core/worker/turns.ts"
import { seededRandom } from "../../support/random.ts"

describe("queue turns", () => {
  test("without weights the order given is a strict precedence", () => {
    const turns = queueTurns([{ name: "a" }, { name: "b" }, { name: "c" }], seededRandom(1))
    for (let n = 0; n < 10; n++) expect(turns()).toEqual(["a", "b", "c"])
  })

  test("a queue of weight 3 is first three times as often as one of weight 1", () => {
    const turns = queueTurns(
      [
        { name: "a", weight: 3 },
        { name: "b", weight: 1 },
      ],
      seededRandom(5),
    )
    const rounds = 20_000
    let first = 0
    for (let n = 0; n < rounds; n++) if (turns()[0] === "a") first++
    expect(first / rounds).toBeCloseTo(0.75, 1)
  })
})

describe("slots", () => {
  test("never more than their number are taken, and whoever waits is woken", async () => {
    const slots = createSlots(2)
    const never = new AbortController().signal
    slots.take(2)
    expect(slots.free()).toBe(0)
    let woken = false
    const waiting = slots.available(never).then(() => {
      woken = true
    })
    await Promise.resolve()
    expect(woken).toBe(false)
    slots.give()
    await waiting
    expect(slots.free()).toBe(1)
  })

  test("no more than twice their number are held while the store is slow to settle", () => {
    const slots = createSlots(2)
    slots.take(2)
    slots.give()
    slots.give()
    slots.take(2)
    slots.give()
    expect(slots.free()).toBe(0)
    slots.settled()
    expect(slots.free()).toBe(1)
  })

  test("more of them wake whoever waits, fewer are not given out again", async () => {
    const slots = createSlots(2)
    slots.take(2)
    const waiting = slots.available(new AbortController().signal)
    slots.resize(3)
    await waiting
    expect([slots.size(), slots.free()]).toEqual([3, 1])
    slots.take(1)
    slots.resize(1)
    expect(slots.free()).toBeLessThan(0)
    for (let n = 0; n < 2; n++) {
      slots.give()
      slots.settled()
      expect(slots.free()).toBeLessThan(1)
    }
    slots.give()
    slots.settled()
    expect(slots.free()).toBe(1)
    slots.resize(0)
    expect(slots.size()).toBe(1)
  })

  test("an aborted wait ends", async () => {
    const slots = createSlots(1)
    slots.take(1)
    const stop = new AbortController()
    const waits = [slots.available(stop.signal), slots.allFree(stop.signal)]
    stop.abort()
    await Promise.all(waits)
    expect(slots.free()).toBe(0)
  })
})
