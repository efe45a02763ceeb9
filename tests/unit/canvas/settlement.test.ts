import { describe, expect, test } from "bun:test"
import { settlementOf } from "../../../src/core/canvas/settlement.ts"
import { parseEnvelope } from "../../../src/core/task/envelope.ts"
import type { Delivery } from "../../../src/core/task/lease.ts"
import type { Outcome } from "../../../src/core/task/outcome.ts"

const link = (id: string, input: unknown = null) => ({
  ...{ v: 1, id, task: `task.${id}`, input, queue: "default", priority: 5, headers: {} },
  ...{ enqueuedAt: 1, dueAt: 1 },
})

const delivery: Delivery = {
  envelope: parseEnvelope({ ...link("a"), root: "root", then: [link("b"), link("c", { own: true })] }),
  lease: { id: "a", holder: "w", token: 3, expiresAt: 9 },
  attempt: 2,
  reclaimed: false,
  replays: [],
}

const finish = (outcome: Outcome, of = delivery) =>
  settlementOf({
    delivery: of,
    outcome,
    policy: { max: 3, backoff: { kind: "fixed", baseMs: 10 } },
    startedAt: 5,
    worker: "w",
    now: 7,
    random: 0,
  })

describe("settlement", () => {
  test("a success carries what people will see and the next link of its chain", () => {
    const settled = finish({ kind: "succeeded", result: 42 })
    expect(settled).toMatchObject({
      verdict: { kind: "ack" },
      status: {
        state: "succeeded",
        result: 42,
        attempt: 2,
        token: 3,
        startedAt: 5,
        finishedAt: 7,
        worker: "w",
      },
    })
    expect(settled.next).toMatchObject([
      { id: "a/1", task: "task.b", input: 42, parent: "a", root: "root", then: [{ task: "task.c" }] },
    ])
  })

  test("a link that has its own input keeps it", () => {
    const [b] = finish({ kind: "succeeded", result: 42 }).next
    const next = finish(
      { kind: "succeeded", result: 43 },
      { ...delivery, envelope: b as Delivery["envelope"] },
    ).next
    expect(next).toMatchObject([
      { id: "a/2", task: "task.c", input: { own: true }, parent: "a/1", root: "root" },
    ])
    expect(next[0]?.then).toBeUndefined()
  })

  test.each([
    [{ kind: "failed", error: { name: "E", message: "m" } }, "retry", undefined],
    [{ kind: "failed", error: { name: "E", message: "m" }, final: true }, "bury", "failed"],
    [{ kind: "interrupted" }, "release", undefined],
    [{ kind: "cancelled" }, "ack", "cancelled"],
  ] as [Outcome, string, string | undefined][])(
    "after %j comes %s, and no next link",
    (outcome, verdict, state) => {
      const settled = finish(outcome)
      expect([settled.verdict.kind, settled.status?.state, settled.next.length]).toEqual([
        verdict as "ack",
        state as "failed",
        0,
      ])
    },
  )
})
