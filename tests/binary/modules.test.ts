import { expect, test } from "bun:test"
import { tmpdir } from "node:os"
import { untilGone } from "../runtime/pool.ts"
import { moduleFolder } from "../support/module-folder.ts"
import { resultOf, startStem, stem } from "./stem.ts"

test("The import of stem works where nothing is installed", async () => {
  using folder = moduleFolder({
    "tasks.ts": `
      import { connect, defineTask, retryAfter, StemError } from "stem"
      export const names = defineTask({
        run: () => [typeof connect, typeof defineTask, typeof retryAfter, new StemError("failed", "c", "m").code],
      })
    `,
  })
  expect(await resultOf(folder, "names")).toEqual(["function", "function", "function", "c"])
})

test("A module finds its relative imports, node_modules, #imports and tsconfig paths", async () => {
  using folder = moduleFolder({
    "package.json": '{ "type": "module", "imports": { "#inner": "./inner.ts" } }',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "@lib/*": ["./src/*"] } } }',
    "inner.ts": "export const inner = 'import map'",
    "src/deep.ts": "export const deep = 'path'",
    "beside.ts": "export enum Size { small = 'enum' }\nexport const beside = Size.small",
    "node_modules/dep/package.json": '{ "name": "dep", "type": "module", "main": "main.js" }',
    "node_modules/dep/main.js": "export const dep = 'package'",
    "tasks.ts": `
      import { inner } from "#inner"
      import { deep } from "@lib/deep.ts"
      import { beside } from "./beside"
      import { dep } from "dep"
      const late = await Promise.resolve("await")
      export const all = () => [inner, deep, beside, dep, late]
    `,
  })
  const wanted = ["import map", "path", "enum", "package", "await"]
  expect(await resultOf(folder, "all")).toEqual(wanted)
  expect(await resultOf(folder, "all", folder.file("tasks.ts"), tmpdir())).toEqual(wanted)
})

test.each([
  ["export function b( {\n", "tasks.ts:1:"],
  [
    '\nimport { x } from "not-there"\nexport const a = () => x',
    'tasks.ts:2: cannot find package "not-there"',
  ],
  ['\nimport { x } from "stem"\nexport const a = () => x', 'tasks.ts:2: "stem" exports no "x"'],
  ["\n\nthrow new Error('no settings')", "tasks.ts:3: no settings"],
  ["process.exit(7)", "tasks.ts: the process died while loading: exit code 7"],
  ["export const a = { run() {}, retries: -1 }", "tasks.ts:1: a.retries: must be a whole number"],
  ["export const a = { name: 'b', run() {} }\nexport const b = () => {}", 'two tasks are named "b"'],
])("a worker refuses %p with exit code 2 and the place", async (text, message) => {
  using folder = moduleFolder({ "tasks.ts": text })
  const answer = await stem(folder, ["worker", "tasks.ts", "--drain"])
  expect(answer).toMatchObject({ code: 2, out: "" })
  expect(answer.err).toContain(message)
})

test("A module without a task is refused", async () => {
  using folder = moduleFolder({ "tasks.ts": "export const a = 1" })
  const answer = await stem(folder, ["worker", "tasks.ts", "--drain"])
  expect(answer.code).toBe(2)
  expect(answer.err).toContain("tasks.ts: exports no task")
  expect(answer.err).toContain("Export a function")
})

test("a task that kills its process is lost, and the worker goes on", async () => {
  using folder = moduleFolder({
    "tasks.ts": `
      export const kill = { retries: 0, run: () => process.kill(process.pid, "SIGKILL") }
      export const limited = { retries: 0, timeout: "100ms", run: () => { for (;;) {} } }
      export const fine = () => "fine"
    `,
  })
  const ids: string[] = []
  for (const task of ["kill", "limited", "fine"]) ids.push((await stem(folder, ["enqueue", task])).out.trim())
  expect(await stem(folder, ["worker", "tasks.ts", "--drain"])).toMatchObject({ code: 0 })
  const ends = await Promise.all(ids.map((id) => stem(folder, ["result", id, "-o", "json"])))
  expect(ends.map(({ out }) => JSON.parse(out))).toMatchObject([
    { state: "failed", error: { code: "isolate_crashed" } },
    { state: "failed", error: { code: "hard_time_limit" } },
    { state: "succeeded", result: "fine" },
  ])
})

test("isolates die with a worker that is killed, in a busy loop too", async () => {
  using folder = moduleFolder({
    "tasks.ts": `
      import { writeFileSync } from "node:fs"
      export const spin = (file) => { writeFileSync(file, String(process.pid)); for (;;) {} }
    `,
  })

  await stem(folder, ["enqueue", "spin", JSON.stringify(folder.file("pid"))])
  const worker = startStem(folder, ["worker", "tasks.ts"])
  let pid = 0
  while (!pid) {
    await Bun.sleep(5)
    pid = Number(
      await Bun.file(folder.file("pid"))
        .text()
        .catch(() => 0),
    )
  }
  worker.kill("SIGKILL")
  await untilGone(pid)
})
