import { expect, test } from "bun:test"
import { DEFAULT_RETRY } from "../../../src/core/task/retry.ts"
import { checkDefinition } from "../../../src/runtime/modules/definition.ts"

const run = () => {}
const check = (options: object) => checkDefinition("t", { run, ...options }, "tasks.ts#t")
const specOf = (options: object) => {
  const checked = check(options)
  if ("task" in checked) return checked.task.spec
  throw new Error(`${checked.option}: ${checked.message}`)
}

test("a definition that says nothing gets the defaults", () => {
  expect(specOf({})).toEqual({
    ...{ name: "t", queue: "default", priority: 5, source: "tasks.ts#t" },
    ...{ retry: DEFAULT_RETRY, timeLimits: {} },
  })
})

test("every option is resolved", () => {
  class Odd extends Error {}
  expect(
    specOf({
      ...{ description: "d", queue: "media", priority: 9, retries: 0, expires: "1h" },
      ...{ timeout: "2m", softTimeout: 500, retryOn: ["E_BUSY", Odd], neverRetryOn: [TypeError] },
      ...{ backoff: { kind: "linear", base: "2s", max: "1m", jitter: 0 } },
    }),
  ).toEqual({
    ...{ name: "t", description: "d", queue: "media", priority: 9, expiresInMs: 3_600_000 },
    timeLimits: { softMs: 500, hardMs: 120_000 },
    retry: {
      ...{ max: 0, only: ["E_BUSY", "Odd"], never: ["TypeError"] },
      backoff: { kind: "linear", baseMs: 2000, maxMs: 60_000, jitter: 0 },
    },
    source: "tasks.ts#t",
  })
})

test.each([
  ["exponential", { kind: "exponential", baseMs: 1000, maxMs: 300_000, jitter: 0.25 }],
  ["linear", { kind: "linear", baseMs: 1000, maxMs: 300_000, jitter: 0.25 }],
  ["fixed", { kind: "fixed", baseMs: 1000 }],
  [
    { kind: "fixed", base: "3s" },
    { kind: "fixed", baseMs: 3000 },
  ],
  [
    { kind: "exponential", base: 10 },
    { kind: "exponential", baseMs: 10, maxMs: 300_000, jitter: 0.25 },
  ],
  [() => 5, DEFAULT_RETRY.backoff],
] as [unknown, object][])("backoff %p is understood", (backoff, wanted) => {
  expect(specOf({ backoff }).retry.backoff).toEqual(wanted as never)
})

test.each([
  [{ name: "two words" }, "name", "is not a valid name"],
  [{ queue: "" }, "queue", "is not a valid name"],
  [{ priority: 10 }, "priority", "must be a whole number from 0 to 9"],
  [{ retries: 1.5 }, "retries", "must be a whole number from 0 to 1000"],
  [{ retries: "3" }, "retries", "must be a whole number from 0 to 1000"],
  [{ timeout: "soon" }, "timeout", '"soon" is not a duration'],
  [{ softTimeout: 0 }, "softTimeout", "must be longer than nothing"],
  [{ expires: -1 }, "expires", '"-1" is not a duration'],
  [
    { backoff: "random" },
    "backoff",
    "must be exponential, linear, fixed, { kind, base, max, jitter } or a function",
  ],
  [{ retryOn: [5] }, "retryOn.0", "must be an error class, or the name or code of an error"],
  [{ retryOn: TypeError }, "retryOn", "must be a list"],
  [{ input: { type: "object" } }, "input", "must be a Standard Schema (valibot, zod, arktype …)"],
  [{ retry: 5 }, "retry", "is no option of a task"],
] as [object, string, string][])("%p is refused", (options, option, message) => {
  expect(check(options)).toMatchObject({ option, message })
})
