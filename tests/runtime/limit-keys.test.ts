import { expect, test } from "bun:test"
import { startPool } from "./pool.ts"

const MODULE = `
const key = (input) => {
  if (input === "loop") for (;;);
  if (input === "exit") process.exit(3)
  if (input === "throw") throw new TypeError("no tenant")
  if (input === "object") return {}
  return input === "pid" ? process.pid : input
}
export const keyed = { rateLimit: { limit: "1/s", key }, run: () => process.pid }
export const other = { rateLimit: { limit: "1/s", key }, run: () => 1 }
export const busy = { rateLimit: "1/s", run: () => { for (;;); } }
`
const ask = (...inputs: unknown[]) => inputs.map((input) => ({ task: "keyed", input }))

test("keys are made in a process of their own: neither the worker's nor one that runs handlers", async () => {
  await using it = await startPool(MODULE)
  const [pid, text, number] = (await it.pool.limitKeys?.(ask("pid", "acme", 7))) ?? []
  expect(text).toEqual({ keys: ["acme"] })
  expect(number).toEqual({ keys: ["7"] })
  const made = Number((pid as { keys: string[] }).keys[0])
  expect(made).toBeGreaterThan(0)
  expect(made).not.toBe(process.pid)
})

test("a function that throws, answers no key, never ends or kills its process fails its own task alone", async () => {
  await using it = await startPool(MODULE)
  const made = await it.pool.limitKeys?.(ask("a", "throw", "object", "loop", "exit", "b"))
  expect(made?.[0]).toEqual({ keys: ["a"] })
  expect(made?.[1]).toMatchObject({
    error: { name: "TypeError", message: expect.stringContaining("no tenant") },
  })
  expect(made?.[2]).toMatchObject({ error: { code: "invalid_limit_key" } })
  expect(made?.[3]).toMatchObject({ error: { code: "limit_key_timeout" } })
  expect(made?.[4]).toMatchObject({ error: { code: "limit_key_timeout" } })
  expect(made?.[5]).toEqual({ keys: ["b"] })
})

test("a function that never ends keeps only its own task waiting from then on", async () => {
  await using it = await startPool(MODULE)
  const keys = (task: string, input: unknown) => it.pool.limitKeys?.([{ task, input }])
  expect((await keys("keyed", "loop"))?.[0]).toMatchObject({ error: { code: "limit_key_timeout" } })
  let over = false
  const endless = keys("keyed", "loop")?.then((made) => {
    over = true
    return made
  })
  for (let n = 0; n < 20; n++) {
    expect(await keys("other", `n${n}`)).toEqual([{ keys: [`n${n}`] }])
    expect(over).toBeFalse()
  }
  expect((await endless)?.[0]).toMatchObject({ error: { code: "limit_key_timeout" } })
  const mixed = ["a", "b"].map((input) => ({ task: "keyed", input }))
  expect(await it.pool.limitKeys?.([...mixed, { task: "other", input: "c" }, ...mixed])).toEqual(
    ["a", "b", "c", "a", "b"].map((key) => ({ keys: [key] })),
  )
})
