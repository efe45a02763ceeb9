import { expect, test } from "bun:test"
import { checkDefinition } from "../../../src/runtime/modules/definition.ts"

const check = (options: object) => checkDefinition("t", { run() {}, ...options }, "tasks.ts#t")
const limitsOf = (options: object) => {
  const checked = check(options)
  if (!("task" in checked)) throw new Error(`${checked.option}: ${checked.message}`)
  return checked.task
}

test("limits are read as text, as an object, or as a list of them; those with a key come first", () => {
  expect(limitsOf({ rateLimit: "100/m" }).spec.limits).toEqual([{ bucket: { everyMs: 600, burst: 1 } }])
  expect(limitsOf({ concurrency: 3 }).spec.limits).toEqual([{ most: 3 }])
  const tenant = (input: unknown) => (input as { tenant: string }).tenant
  const both = limitsOf({
    rateLimit: [{ limit: "10/s", burst: 5, key: tenant }, "100/s"],
    concurrency: [8, { max: 2, key: "user.id" }],
  })
  expect(both.spec.limits).toEqual([
    { most: 2, by: { path: "user.id" } },
    { most: 8 },
    { bucket: { everyMs: 100, burst: 5 }, by: { code: 0 } },
    { bucket: { everyMs: 10, burst: 1 } },
  ])
  expect(both.limitKeys).toEqual([tenant])
  expect(limitsOf({}).spec).not.toHaveProperty("limits")
})

test.each([
  [{ rateLimit: "fast" }, "rateLimit", "is not a rate"],
  [{ rateLimit: 5 }, "rateLimit", "must be a rate"],
  [{ rateLimit: { limit: "1/s", burst: 0 } }, "rateLimit.0.burst", "whole number"],
  [{ rateLimit: { limit: "1/s", key: 5 } }, "rateLimit.0.key", "a function of the input"],
  [{ rateLimit: { limit: "1/s", key: "a..b" } }, "rateLimit.0.key", "a path"],
  [{ concurrency: 0 }, "concurrency", "whole number"],
  [{ concurrency: { most: 5 } }, "concurrency", ""],
  [{ concurrency: "5" }, "concurrency", "whole number"],
])("%p is refused, and told where", (options, option, message) => {
  const checked = check(options) as { option: string; message: string }
  expect(option).toContain(checked.option.split(".")[0] as string)
  expect(checked.message).toContain(message)
})
