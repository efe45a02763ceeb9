import { describe, expect, test } from "bun:test"
import { isLimited, limitsOf } from "../../../src/core/policy/limit-keys.ts"
import type { TaskSpec } from "../../../src/core/task/define.ts"
import { parseEnvelope } from "../../../src/core/task/envelope.ts"
import type { LimitSpec } from "../../../src/core/task/limit-spec.ts"
import { DEFAULT_RETRY } from "../../../src/core/task/retry.ts"

const task = (input: unknown, queue = "default") =>
  parseEnvelope({
    ...{ v: 1, id: "a", task: "mail", input, queue, priority: 5, enqueuedAt: 0, dueAt: 0, headers: {} },
  })
const spec = (...limits: LimitSpec[]): TaskSpec => ({
  ...{ name: "mail", queue: "default", priority: 5, retry: DEFAULT_RETRY, timeLimits: {}, source: "x" },
  ...(limits.length > 0 && { limits }),
})
const bucket = { everyMs: 1000, burst: 1 }
const none = new Map()
const keys = (input: unknown, by: LimitSpec["by"], made: readonly string[] = []) =>
  limitsOf(task(input), spec({ most: 1, by }), none, made).map(({ key }) => key)

describe("the limits of a task", () => {
  test("are its own, then its queue's, each with a key of its own", () => {
    const queues = new Map([["media", { bucket, most: 3 }]])
    expect(limitsOf(task({}, "media"), spec({ most: 2 }, { bucket }), queues, [])).toEqual([
      { key: "task:mail", most: 2 },
      { key: "task:mail:1", bucket },
      { key: "queue:media", bucket },
      { key: "queue:media", most: 3 },
    ])
  })

  test("go by a path in the input, and tasks without a value there share one", () => {
    expect(keys({ user: { id: 7 } }, { path: "user.id" })).toEqual(["task:mail/7"])
    expect(keys({ user: "x" }, { path: "user" })).toEqual(["task:mail/x"])
    for (const input of [{}, null, "text", { user: null }, { user: {} }, []])
      expect(keys(input, { path: "user.id" })).toEqual(["task:mail/"])
    expect(keys({}, { path: "constructor.name" })).toEqual(["task:mail/"])
  })

  test("go by what a function made", () => {
    expect(keys({}, { code: 0 }, ["acme"])).toEqual(["task:mail/acme"])
  })

  test("have keys of bounded length that stay different, and no control characters", () => {
    const [a] = keys({ k: `${"x".repeat(5000)}a` }, { path: "k" })
    const [b] = keys({ k: `${"x".repeat(5000)}b` }, { path: "k" })
    expect(a).not.toBe(b)
    expect((a as string).length).toBeLessThan(300)
    expect(keys({ k: "a\u001eb\u0000" }, { path: "k" })).toEqual(["task:mail/a b "])
  })

  test("are asked for only where there are some", () => {
    expect(isLimited(task({}), spec(), none)).toBeFalse()
    expect(isLimited(task({}), undefined, none)).toBeFalse()
    expect(isLimited(task({}), spec({ most: 1 }), none)).toBeTrue()
    expect(isLimited(task({}, "q"), spec(), new Map([["q", { most: 1 }]]))).toBeTrue()
    expect(isLimited(task({}, "p"), spec(), new Map([["q", { most: 1 }]]))).toBeFalse()
  })
})
