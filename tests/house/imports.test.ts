import { expect, test } from "bun:test"
import { dirname, join, normalize } from "node:path"
import { circles, importsOf, refusal, unknownRooms } from "./import-rule.ts"
import { filesOf, read } from "./tree.ts"

const sources = filesOf("src/**/*.ts")

test("every import follows the rule of the rooms", () => {
  expect(sources.length).toBeGreaterThan(40)
  const wrong = sources.flatMap((path) => importsOf(read(path)).flatMap((name) => refusal(path, name) ?? []))
  expect(wrong).toEqual([])
})

test("every room of core has its place in the order", () => {
  expect(unknownRooms(sources)).toEqual([])
})

test("no circle of imports", () => {
  const graph = new Map(
    sources.map((path) => [
      path,
      importsOf(read(path))
        .filter((name) => name.startsWith("."))
        .map((name) => normalize(join(dirname(path), name))),
    ]),
  )
  expect(circles(graph)).toEqual([])
})

test("the reader sees every kind of import and no comment", () => {
  const text = `
import a from "./a.ts"
import type { B } from "./b.ts"
import {
  type C,
} from "./c.ts"
import "./d.ts"
export { e } from "./e.ts"
export * from './f.ts'
const g = () => import("./g.ts")
// import h from "./h.ts"
/* import i from "./i.ts" */
export const url = "sqlite://from"
`
  expect(importsOf(text).join(" ")).toBe("./a.ts ./b.ts ./c.ts ./d.ts ./e.ts ./f.ts ./g.ts")
})

const refused: [from: string, name: string][] = [
  ["src/core/kit/id.ts", "../task/envelope.ts"],
  ["src/core/task/status.ts", "../contracts/broker.ts"],
  ["src/core/config/file.ts", "../observe/events.ts"],
  ["src/core/upkeep/janitor.ts", "../worker/worker.ts"],
  ["src/core/client/client.ts", "../../stem.ts"],
  ["src/core/policy/gate.ts", "../../adapters/index.ts"],
  ["src/core/kit/id.ts", "node:crypto"],
  ["src/core/kit/id.ts", "bun"],
  ["src/core/kit/duration.ts", "citty"],
  ["src/core/worker/worker.ts", "@opentelemetry/api"],
  ["src/core/task/envelope.ts", "smol-toml"],
  ["src/core/task/envelope.ts", "left-pad"],
  ["src/adapters/memory/driver.ts", "../sqlite/driver.ts"],
  ["src/adapters/memory/driver.ts", "bun:sqlite"],
  ["src/adapters/sqlite/driver.ts", "../../core/policy/backoff.ts"],
  ["src/adapters/index.ts", "./sqlite/broker.ts"],
  ["src/runtime/clock.ts", "../adapters/index.ts"],
  ["src/runtime/clock.ts", "../core/worker/worker.ts"],
  ["src/commands/enqueue.ts", "../adapters/index.ts"],
  ["src/commands/enqueue.ts", "../runtime/clock.ts"],
  ["src/main.ts", "./core/kit/errors.ts"],
  ["src/index.ts", "./adapters/index.ts"],
  ["src/stem.ts", "./commands/worker.ts"],
  ["src/stem.ts", "./adapters/sqlite/driver.ts"],
]
test.each(refused)("%s may not import %s", (from, name) => {
  expect(refusal(from, name)).toContain(from)
})

const allowed: [from: string, name: string][] = [
  ["src/core/worker/worker.ts", "../client/envelope.ts"],
  ["src/core/observe/trace.ts", "@opentelemetry/api"],
  ["src/adapters/sqlite/driver.ts", "bun:sqlite"],
  ["src/adapters/sqlite/driver.ts", "node:fs"],
  ["src/adapters/index.ts", "./sqlite/driver.ts"],
  ["src/commands/enqueue.ts", "../core/kit/duration.ts"],
  ["src/main.ts", "./commands/index.ts"],
]
test.each(allowed)("%s may import %s", (from, name) => {
  expect(refusal(from, name)).toBeUndefined()
})

test("a circle is found", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ])
  expect(circles(graph)).toEqual(["b -> c -> b"])
})
