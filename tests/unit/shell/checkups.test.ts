import { expect, test } from "bun:test"
import { checkStores } from "../../../src/commands/doctor/checkups.ts"
import type { Finding } from "../../../src/core/contracts/driver.ts"

const skew = (ms: number): Finding => ({
  ...{ level: "warning", subject: "clock", message: `the clocks are ${ms} ms apart`, fix: "Set them." },
})
const store = (url: string, ...findings: Finding[]) => ({ url, checkup: async () => findings })

test("what two stores of one server find is told once", async () => {
  const own: Finding = { level: "ok", subject: "redis", message: "in order" }
  const found = await checkStores([
    store("redis://me:***@host:6379/0", skew(2001)),
    store("redis://host:6379/1", skew(2003), own),
  ])
  expect(found).toEqual([skew(2001), own])
})

test("of two servers it is told which one is meant", async () => {
  const found = await checkStores([store("redis://a/0", skew(1)), store("postgres://b/x", skew(1))])
  expect(found.map(({ message }) => message)).toEqual([
    "redis://a: the clocks are 1 ms apart",
    "postgres://b: the clocks are 1 ms apart",
  ])
})
