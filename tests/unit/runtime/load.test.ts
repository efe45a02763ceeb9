import { beforeAll, expect, test } from "bun:test"
import { loadModules } from "../../../src/runtime/modules/load.ts"
import { serveStem } from "../../../src/runtime/modules/virtual.ts"
import { publicNames } from "../../../src/stem.ts"
import { moduleFolder } from "../../support/module-folder.ts"

beforeAll(async () => serveStem(await publicNames()))

async function namesIn(files: Record<string, string>): Promise<string[]> {
  using folder = moduleFolder(files)
  const { tasks } = await loadModules([folder.file("tasks.ts")])
  return [...tasks.keys()].sort()
}

/** The error, with the folder's path taken out of its message. */
async function refusal(files: Record<string, string>, names = ["tasks.ts"]) {
  using folder = moduleFolder(files)
  const error = await loadModules(names.map(folder.file)).then(
    () => undefined,
    (thrown) => thrown,
  )
  return {
    kind: error?.kind,
    code: error?.code,
    message: error?.message.replaceAll(`${folder.path}/`, ""),
    hint: error?.hint,
  }
}

test("functions and definitions are tasks; classes and other values are not", async () => {
  const names = await namesIn({
    "tasks.ts": `
      import { defineTask } from "stem"
      export const defined = defineTask({ run() {} })
      export const plain = { run: async () => 1 }
      export const named = { name: "image.resize", run() {} }
      export function sum() {}
      export async function* stream() {}
      export const arrow = () => {}
      export class Odd extends Error {}
      export const number = 1, list = [{ run() {} }], map = { a: { run() {} } }
      export enum Size { small, large }
      export type Shape = { a: 1 }
    `,
  })
  expect(names).toEqual(["arrow", "defined", "image.resize", "plain", "stream", "sum"])
})

test("a default export is named by its definition, else by its file", async () => {
  expect(await namesIn({ "tasks.ts": "export default () => {}" })).toEqual(["tasks"])
  expect(await namesIn({ "tasks.ts": 'export default { name: "own", run() {} }' })).toEqual(["own"])
  expect(await namesIn({ "tasks.ts": "export const a = () => {}\nexport default a" })).toEqual(["a"])
})

test("modules may use what TypeScript and Bun offer", async () => {
  const names = await namesIn({
    "package.json": '{ "type": "module", "imports": { "#inner": "./inner.ts" } }',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "@lib/*": ["./src/*"] } } }',
    "inner.ts": "export const inner = 'by import map'",
    "src/deep.ts": "export const deep = 'by path'",
    "beside.ts": "export enum Size { small = 'S' }\nexport const beside = Size.small",
    "node_modules/dep/package.json": '{ "name": "dep", "type": "module", "main": "main.js" }',
    "node_modules/dep/main.js": "export const dep = 'installed'",
    "tasks.ts": `
      import { inner } from "#inner"
      import { deep } from "@lib/deep.ts"
      import { beside } from "./beside"
      import { dep } from "dep"
      const late = await Promise.resolve("awaited")
      if ([inner, deep, beside, dep, late].join() !== "by import map,by path,S,installed,awaited") throw new Error("wrong")
      export const all = () => {}
    `,
  })
  expect(names).toEqual(["all"])
})

test("one definition under one name in two modules is one task", async () => {
  using folder = moduleFolder({
    "a.ts": 'export const one = { name: "one", run() {} }\nexport const two = () => {}',
    "b.ts": 'export { one, two } from "./a.ts"',
  })
  const { tasks } = await loadModules([folder.file("a.ts"), folder.file("b.ts"), folder.file("a.ts")])
  expect([...tasks.keys()]).toEqual(["one", "two"])
})

const cases: [title: string, files: Record<string, string>, code: string, message: string][] = [
  [
    "a syntax error",
    { "tasks.ts": "export const a = 1\nexport function b( {\n" },
    "module_syntax",
    "tasks.ts:2:",
  ],
  [
    "a syntax error in an imported file",
    { "tasks.ts": 'import { x } from "./x.ts"\nexport const a = () => x', "x.ts": "\n\nconst = 1" },
    "module_syntax",
    "x.ts:3:",
  ],
  [
    "a package that is not installed",
    { "tasks.ts": '// first\nimport { x } from "not-there"\nexport const a = () => x' },
    "module_import",
    'tasks.ts:2: cannot find package "not-there"',
  ],
  [
    "an imported file that is missing",
    { "tasks.ts": 'import { x } from "./gone.ts"\nexport const a = () => x' },
    "module_import",
    'tasks.ts:1: cannot find module "./gone.ts"',
  ],
  [
    "an import of what a file does not export",
    {
      "tasks.ts": 'import { y } from "./y.ts"\nexport const a = () => y',
      "y.ts": '\nimport { nope } from "./x.ts"\nexport const y = nope',
      "x.ts": "export const x = 1",
    },
    "module_import",
    'y.ts:2: "x.ts" exports no "nope"',
  ],
  [
    "an import of what Stem does not export",
    { "tasks.ts": 'import { defineTasks } from "stem"\nexport const a = defineTasks({})' },
    "module_import",
    'tasks.ts:1: "stem" exports no "defineTasks"',
  ],
  [
    "a throw while loading",
    { "tasks.ts": "export const a = () => {}\n\nthrow new TypeError('no settings')" },
    "module_threw",
    "tasks.ts:3: TypeError: no settings",
  ],
  [
    "a throw in an imported file",
    { "tasks.ts": 'import "./x.ts"\nexport const a = () => {}', "x.ts": "\nnull.length" },
    "module_threw",
    "x.ts:2: TypeError: null is not an object",
  ],
  [
    "a rejected await",
    { "tasks.ts": "\nawait Promise.reject(new Error('late'))" },
    "module_threw",
    "tasks.ts:2: late",
  ],
  ["something thrown that is no error", { "tasks.ts": "throw 'text'" }, "module_threw", "tasks.ts: text"],
  ["a module without a task", { "tasks.ts": "export const a = 1" }, "no_tasks", "tasks.ts: exports no task"],
  [
    "a wrong option",
    { "tasks.ts": "\nexport const resize = { retries: -1, run() {} }" },
    "invalid_definition",
    "tasks.ts:2: resize.retries: must be a whole number from 0 to 1000",
  ],
  [
    "two tasks of one name",
    { "tasks.ts": "export const a = { name: 'x', run() {} }\n\nexport function x() {}" },
    "duplicate_task",
    'two tasks are named "x": tasks.ts:1 and tasks.ts:3',
  ],
]

test.each(cases)("%s is named with its place", async (_title, files, code, message) => {
  const error = await refusal(files)
  expect({ kind: error.kind, code: error.code }).toEqual({ kind: "invalid", code })
  expect(error.message).toStartWith(message)
})

test("a file that is not there, and a folder, are named", async () => {
  expect(await refusal({})).toMatchObject({
    ...{ kind: "invalid", code: "module_not_found", message: "tasks.ts: there is no such file" },
  })
  expect(await refusal({ "tasks/a.ts": "" }, ["tasks"])).toMatchObject({
    ...{ kind: "invalid", code: "module_is_folder", message: "tasks is a folder" },
  })
})

test("two tasks of one name in two modules are both placed", async () => {
  const error = await refusal(
    { "a.ts": "export const x = () => {}", "b.ts": "\nconst x = () => {}\nexport { x }" },
    ["a.ts", "b.ts"],
  )
  expect(error.message).toBe('two tasks are named "x": a.ts:1 and b.ts:3')
})
