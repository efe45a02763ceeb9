import { describe, expect, test } from "bun:test"
import { nextOf } from "../../../src/core/canvas/advance.ts"
import { BROKE, COLLECT } from "../../../src/core/canvas/builtin.ts"
import { layOut } from "../../../src/core/canvas/lay-out.ts"
import { inputWith } from "../../../src/core/canvas/merge.ts"
import { makeEnvelope } from "../../../src/core/client/envelope.ts"
import type { Envelope } from "../../../src/core/task/envelope.ts"
import { chain, chord, chunks, type Flow, group, map, step } from "../../../src/core/task/flow.ts"
import { aloneOf, groupStateOf, membershipOf } from "../../../src/core/task/group.ts"
import { randomFlow } from "../../sim/random-flow.ts"
import { manualClock } from "../../support/manual-clock.ts"
import { seededRandom } from "../../support/random.ts"
import { threw } from "../../support/thrown.ts"

const clock = manualClock()
const lay = (flow: Flow, id = "f") =>
  layOut(flow, { id, now: clock.now() }, ({ task, input }, options) =>
    makeEnvelope(clock, { task: task as string, input, options }),
  )

describe("laying out a flow", () => {
  test("a chain begins with its first step, which carries the rest", () => {
    const { envelopes, groups, trail } = lay(chain(step("a", 1), chain(step("b"), step("c"))))
    expect(envelopes).toMatchObject([{ id: "f", task: "a", input: 1, then: [{ task: "b" }, { task: "c" }] }])
    expect(groups).toEqual([])
    expect(trail).toEqual([{ task: "f" }, { task: "f/1" }, { task: "f/2" }])
  })

  test("a chord is its members and an open group with its body", () => {
    const { envelopes, groups, trail } = lay(chord([step("a"), chain(step("b"), step("c"))], step("sum")))
    expect(envelopes).toMatchObject([
      { id: "f:0", group: { group: "f", index: 0 } },
      { id: "f:1", then: [{ task: "c", group: { group: "f", index: 1 } }] },
    ])
    expect(envelopes[1]?.group).toBeUndefined()
    expect(groups).toMatchObject([
      { id: "f", size: 2, body: { id: "f:body", task: "sum", gathers: { group: "f", what: "results" } } },
    ])
    expect(trail).toEqual([{ group: "f" }, { task: "f:body" }])
  })

  test("between two groups, and at the end of one within another, stands a joint", () => {
    const { groups, trail } = lay(chain(group([step("a")]), group([step("b")]), step("c")))
    expect(groups).toMatchObject([{ body: { task: COLLECT, then: [{ members: [{}] }, { task: "c" }] } }])
    expect(trail).toEqual([
      { group: "f" },
      { task: "f:body" },
      { group: "f:body/1" },
      { task: "f:body/1:body" },
    ])
    const nested = lay(group([group([step("a", null, { queue: "slow" })])]))
    expect(nested.groups).toMatchObject([
      {
        ...{ id: "f:0", body: { task: COLLECT, queue: "slow", group: { group: "f", index: 0 } } },
        broken: [{ task: BROKE, id: "f:0:broke", group: { group: "f", index: 0 } }],
      },
      { id: "f" },
    ])
  })

  test("a step that goes where the one before it goes does not carry that along", () => {
    const slow = { queue: "slow", priority: 7 }
    const [a] = lay(chain(step("a", 1, slow), step("b", 2, slow), step("c"))).envelopes as [Envelope]
    expect(a.then).toEqual([
      { task: "b", input: 2 },
      { task: "c", queue: "default", priority: 5 },
    ])
    const [b] = nextOf(a, null, clock.now()).envelopes as [Envelope]
    expect(b).toMatchObject({ task: "b", ...slow })
    expect(nextOf(b, null, clock.now()).envelopes).toMatchObject([
      { task: "c", queue: "default", priority: 5 },
    ])
  })

  test("a delay counts from the step before, an instant is an instant", () => {
    const at = new Date(clock.now() + 5000)
    const { envelopes } = lay(
      chain(step("a", 0, { delay: "1s" }), step("b", 0, { delay: "2s" }), step("c", 0, { at })),
    )
    expect(envelopes).toMatchObject([
      { dueAt: clock.now() + 1000, then: [{ delayMs: 2000 }, { dueAt: at.getTime() }] },
    ])
  })

  test("maps and chunks are groups of calls", () => {
    expect(map("a", [1, 2]).members).toMatchObject([{ input: 1 }, { input: 2 }])
    expect(chunks("a", [1, 2, 3], 2).members).toMatchObject([{ input: [1, 2] }, { input: [3] }])
    expect(threw(() => chunks("a", [1], 0))).toMatchObject({ code: "invalid_size" })
    expect(threw(() => lay(chain()))).toMatchObject({ code: "empty_flow" })
    expect(threw(() => lay(group([], { tolerate: -1 })))).toMatchObject({ code: "invalid_tolerance" })
  })

  test("no two tasks or groups of a flow have one id, however it is nested", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed)
      const { envelopes, groups } = lay(randomFlow((below) => Math.floor(random() * below)))
      const ids = [
        ...envelopes,
        ...groups.flatMap(({ body, broken = [] }) => [...(body ? [body] : []), ...broken]),
      ]
        .map(({ id }) => id)
        .concat(groups.map(({ id }) => id))
      expect(new Set(ids).size).toBe(ids.length)
    }
  })

  test("ids stay short enough, however deep a flow is", () => {
    let flow: Flow = step("a")
    for (let n = 0; n < 60; n++) flow = group([flow])
    for (const { id } of lay(flow, "x".repeat(190)).envelopes) expect(id.length).toBeLessThanOrEqual(200)
  })
})

describe("what is passed on", () => {
  test.each([
    [undefined, undefined, 7, 7],
    [null, undefined, 7, 7],
    [{ own: 1 }, undefined, 7, { own: 1 }],
    [{ own: 1 }, true, { own: 2, more: 3 }, { own: 1, more: 3 }],
    [{ own: 1 }, true, [4], { own: 1, result: [4] }],
    [{ own: 1 }, "before", 7, { own: 1, before: 7 }],
    [5, "before", 7, { input: 5, before: 7 }],
  ] as const)("input %p with merge %p after %p is %p", (input, merge, result, expected) => {
    expect(inputWith({ input, merge }, result) as unknown).toEqual(expected)
  })
})

describe("groups", () => {
  test.each([
    [{ size: 2 }, 1, 0, "open"],
    [{ size: 2 }, 2, 0, "complete"],
    [{ size: 2 }, 1, 1, "broken"],
    [{ size: 2, tolerate: 1 }, 1, 1, "open"],
    [{ size: 2, tolerate: 1 }, 2, 1, "complete"],
    [{ size: 2, tolerate: 1 }, 2, 2, "broken"],
    [{ size: 0 }, 0, 0, "complete"],
  ] as const)("%p with %p arrived and %p failed is %p", (one, arrived, failed, state) => {
    expect(groupStateOf(one, arrived, failed)).toBe(state)
  })

  test("a member's place is that of its last link, and goes with it", () => {
    const [, member] = lay(group([step("a"), chain(step("b"), step("c"))])).envelopes
    expect(membershipOf(member as never)).toEqual({ group: "f", index: 1 })
    expect(membershipOf(aloneOf(member as never))).toBeUndefined()
    expect(aloneOf(member as never)).toMatchObject({ then: [{ task: "c" }] })
  })
})
