import { describe, expect, test } from "bun:test"
import { gate } from "../../../src/core/policy/gate.ts"
import { retryPolicyOf, timeLimitsOf } from "../../../src/core/policy/limits.ts"
import { decide } from "../../../src/core/policy/verdict.ts"
import type { TaskSpec } from "../../../src/core/task/define.ts"
import { type Envelope, parseEnvelope } from "../../../src/core/task/envelope.ts"
import type { Delivery } from "../../../src/core/task/lease.ts"
import type { Outcome } from "../../../src/core/task/outcome.ts"
import { DEFAULT_RETRY, type RetryPolicy } from "../../../src/core/task/retry.ts"

const NOW = 1_000_000
const policy: RetryPolicy = { max: 2, backoff: { kind: "fixed", baseMs: 5000 } }
const spec: TaskSpec = {
  name: "mail.send",
  queue: "default",
  priority: 5,
  retry: policy,
  timeLimits: { hardMs: 60_000 },
  source: "tasks.ts#send",
}

function delivery(attempt: number, also: Partial<Envelope> = {}, reclaimed = false): Delivery {
  const envelope = parseEnvelope({
    ...{ v: 1, id: "a", task: "mail.send", input: null, queue: "default", priority: 5 },
    ...{ enqueuedAt: 1, dueAt: 1, headers: {} },
    ...also,
  })
  const lease = { id: "a", holder: "w", token: attempt, expiresAt: NOW + 1000 }
  return { envelope, lease, attempt, reclaimed, replays: [] }
}

const error = { name: "TypeError", message: "x" }
const failed: Outcome = { kind: "failed", error, names: ["TypeError", "Error"] }
const lost: Outcome = { kind: "lost", error }
const verdictOf = (attempt: number, outcome: Outcome, rules = policy) =>
  decide(delivery(attempt), outcome, rules, NOW, 0)

describe("verdict", () => {
  test("success is acknowledged", () => {
    expect(verdictOf(1, { kind: "succeeded", result: 1 })).toEqual({ kind: "ack" })
  })

  test.each([failed, lost])("a run that %j is retried while attempts are left, then buried", (outcome) => {
    expect(verdictOf(1, outcome)).toEqual({ kind: "retry", at: NOW + 5000, reason: error })
    expect(verdictOf(2, outcome)).toEqual({ kind: "retry", at: NOW + 5000, reason: error })
    expect(verdictOf(3, outcome)).toEqual({ kind: "bury", reason: error })
  })

  test("an interrupted run is handed back at once and at no cost, even on its last attempt", () => {
    expect(verdictOf(3, { kind: "interrupted" })).toEqual({ kind: "release", at: NOW })
  })

  test("what the handler asked for wins over the backoff, but not over the number of attempts", () => {
    expect(verdictOf(1, { ...failed, retryInMs: 42 } as Outcome)).toMatchObject({ at: NOW + 42 })
    expect(verdictOf(3, { ...failed, retryInMs: 42 } as Outcome)).toMatchObject({ kind: "bury" })
  })

  test("a final failure is buried on its first attempt", () => {
    expect(verdictOf(1, { ...failed, final: true } as Outcome)).toMatchObject({ kind: "bury" })
  })

  test.each([
    [{ never: ["TypeError"] }, "bury"],
    [{ never: ["Error"] }, "bury"],
    [{ never: ["RangeError"] }, "retry"],
    [{ only: ["TypeError"] }, "retry"],
    [{ only: ["Error"] }, "retry"],
    [{ only: ["RangeError"] }, "bury"],
    [{ only: ["Error"], never: ["TypeError"] }, "bury"],
    [{ only: [] }, "bury"],
  ])("with the lists %j a TypeError leads to %s", (lists, kind) => {
    expect(verdictOf(1, failed, { ...policy, ...lists }).kind).toBe(kind as "bury")
  })

  test("retry lists match an error's code as well as its class", () => {
    const coded: Outcome = { kind: "failed", error: { name: "Error", message: "x", code: "ECONNRESET" } }
    expect(verdictOf(1, coded, { ...policy, only: ["ECONNRESET"] }).kind).toBe("retry")
    expect(verdictOf(1, coded, { ...policy, never: ["ECONNRESET"] }).kind).toBe("bury")
  })
})

describe("gate", () => {
  test("an ordinary delivery may run", () => {
    expect(gate(delivery(1), spec, NOW)).toBeUndefined()
  })

  test("a task that expired does not run", () => {
    expect(gate(delivery(1, { expiresAt: NOW }), spec, NOW)).toEqual({ kind: "expired" })
    expect(gate(delivery(1, { expiresAt: NOW + 1 }), spec, NOW)).toBeUndefined()
  })

  test("a task no module defines fails by name", () => {
    expect(gate(delivery(1), undefined, NOW)).toMatchObject({
      kind: "failed",
      error: { code: "unknown_task" },
    })
  })

  test("a task that took its last worker with it is lost, not run once more", () => {
    expect(gate(delivery(3, {}, true), spec, NOW)).toBeUndefined()
    expect(gate(delivery(4, {}, true), spec, NOW)).toMatchObject({
      kind: "lost",
      error: { code: "worker_lost" },
    })
  })
})

describe("limits", () => {
  test("the sender's word wins over the definition, and the definition over the defaults", () => {
    const plain = delivery(1).envelope
    expect(retryPolicyOf(plain, undefined)).toEqual(DEFAULT_RETRY)
    expect(retryPolicyOf(plain, spec)).toEqual(policy)
    expect(retryPolicyOf(delivery(1, { retry: { max: 0 } }).envelope, spec)).toEqual({ ...policy, max: 0 })
    expect(timeLimitsOf(plain, spec)).toEqual({ hardMs: 60_000 })
    expect(timeLimitsOf(delivery(1, { timeLimits: { softMs: 5 } }).envelope, spec)).toEqual({
      softMs: 5,
      hardMs: 60_000,
    })
  })
})
