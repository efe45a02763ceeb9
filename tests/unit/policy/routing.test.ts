import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import {
  createRouter,
  NO_ROUTING,
  type RouteAsk,
  type Routing,
  type RoutingRule,
} from "../../../src/core/policy/routing.ts"

const from = (key: string) => ({ file: "stem.toml", key })
const rule = (pattern: string, to: Partial<RoutingRule>): RoutingRule => ({
  ...{ pattern, from: from(`routing."${pattern}"`) },
  ...to,
})
const ROUTING: Routing = {
  rules: [
    rule("image.*", { queue: "media", priority: 7 }),
    rule("report.?", { priority: 2 }),
    rule("report.*", { queue: "pictures" }),
  ],
  aliases: [{ alias: "pictures", queue: "gallery", from: from("aliases.pictures") }],
}
const router = createRouter(ROUTING)

describe("routing", () => {
  test.each([
    ["the first rule that fits", { task: "image.resize" }, "media", 7],
    ["the sender's word", { task: "image.resize", queue: "mine", priority: 0 }, "mine", 0],
    ["a word about the queue alone", { task: "image.resize", queue: "mine" }, "mine", 7],
    ["a rule before a definition", { task: "image.a", defaults: { queue: "own", priority: 3 } }, "media", 7],
    ["a definition without a rule", { task: "mail", defaults: { queue: "own", priority: 3 } }, "own", 3],
    ["nobody says anything", { task: "mail" }, "default", 5],
    ["what a rule is silent about", { task: "report.1", defaults: { queue: "own" } }, "own", 2],
    ["an alias in a rule", { task: "report.10" }, "gallery", 5],
    ["an alias of the sender", { task: "mail", queue: "pictures" }, "gallery", 5],
    ["an alias in a definition", { task: "mail", defaults: { queue: "pictures" } }, "gallery", 5],
    ["a dot is a dot", { task: "imagexresize" }, "default", 5],
  ] as [string, RouteAsk, string, number][])("%s", (_, ask, queue, priority) => {
    expect(router.route(ask)).toEqual({ queue, priority })
    expect(router.explain(ask)).toMatchObject({ queue, priority })
  })

  test("each reason is told", () => {
    const reasons = (ask: RouteAsk) => {
      const { queueFrom, priorityFrom } = router.explain(ask)
      return [queueFrom, priorityFrom]
    }
    expect(reasons({ task: "image.a" })).toEqual(Array(2).fill('stem.toml: routing."image.*"'))
    expect(reasons({ task: "image.a", queue: "pictures", priority: 1 })).toEqual([
      'the sender; "pictures" is another name of it (stem.toml: aliases.pictures)',
      "the sender",
    ])
    expect(reasons({ task: "mail", defaults: { priority: 1 } })).toEqual([
      "the default",
      "the task's definition",
    ])
  })

  test("a name that is no alias means itself", () => {
    expect([router.queue("pictures"), router.queue("gallery"), router.queue("x")]).toEqual([
      ...["gallery", "gallery", "x"],
    ])
  })

  test("whatever the rules, the sender's word wins, and the same ask is answered in the same way", () => {
    const names = fc.stringMatching(/^[a-c](\.[a-c]){0,2}$/)
    const patterns = fc.stringMatching(/^[a-c*?](\.[a-c*?]){0,2}$/)
    const rules = fc.array(
      fc.record({ pattern: patterns, queue: names, priority: fc.integer({ min: 0, max: 9 }) }),
    )
    fc.assert(
      fc.property(rules, names, names, fc.integer({ min: 0, max: 9 }), (given, task, queue, priority) => {
        const any = createRouter({ ...NO_ROUTING, rules: given.map((one) => rule(one.pattern, one)) })
        expect(any.route({ task, queue, priority })).toEqual({ queue, priority })
        const first = given.find(({ pattern }) => new Bun.Glob(pattern).match(task))
        const again = [any.route({ task }), any.route({ task }), any.explain({ task })]
        for (const one of again)
          expect(one).toMatchObject(
            first ? { queue: first.queue, priority: first.priority } : { queue: "default", priority: 5 },
          )
      }),
    )
  })

  test("names without end do not fill the memory, and are still routed", () => {
    for (let n = 0; n < 3000; n++) expect(router.route({ task: `image.${n}` }).queue).toBe("media")
    expect(router.route({ task: "image.0" }).queue).toBe("media")
  })
})
