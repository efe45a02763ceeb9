import { expect, test } from "bun:test"
import { basename } from "node:path"
import { filesOf, matches, read, withoutComments } from "./tree.ts"

const LINES = 300
const code = filesOf("{src,tests,scripts,bench,examples}/**/*.{ts,mjs,sql,lua}")

const tooLong = (path: string, text: string): string[] => {
  const lines = text.trimEnd().split("\n").length
  return lines >= LINES ? [`${path} has ${lines} lines, the most is ${LINES - 1}`] : []
}

/** Names that say nothing about what is inside. */
const BUCKETS = /^(utils?|helpers?|common|types?|interfaces?|misc|shared|lib)$/
const isBucket = (path: string) => path.split("/").some((part) => BUCKETS.test(part.replace(/\.\w+$/, "")))

const reExports = (text: string): readonly string[] =>
  matches(withoutComments(text), /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})[^\n]*?\bfrom\b[^\n]*/gm)

test("every file has fewer than 300 lines", () => {
  expect(code.length).toBeGreaterThan(50)
  expect(code.flatMap((path) => tooLong(path, read(path)))).toEqual([])
  expect(tooLong("long.ts", "a\n".repeat(300))).toHaveLength(1)
})

test("no file or folder is named after nothing", () => {
  expect(code.filter(isBucket)).toEqual([])
  expect(["src/core/utils.ts", "src/helpers/a.ts", "src/core/task/types.ts"].filter(isBucket)).toHaveLength(3)
  expect(isBucket("src/core/task/retry.ts")).toBeFalse()
})

/** The public names, and the composition root, through which commands reach the machine. */
const DOORS = ["src/index.ts", "src/stem.ts"]

test("only the doors re-export", () => {
  const sources = filesOf("src/**/*.ts").filter((path) => !DOORS.includes(path))
  expect(sources.flatMap((path) => reExports(read(path)).map((line) => `${path}:${line}`))).toEqual([])
  expect(
    reExports('export { a } from "./a.ts"\nexport type { B } from "./b.ts"\nexport * from "./c.ts"'),
  ).toHaveLength(3)
  expect(reExports("export const from = 1")).toEqual([])
})

test("no room of core has an index file", () => {
  expect(filesOf("src/core/**/*.ts").filter((path) => basename(path) === "index.ts")).toEqual([])
})

test("every store has the same file names", () => {
  const stores = new Map<string, Set<string>>()
  for (const path of filesOf("src/adapters/*/*.ts")) {
    const [, , store = "", file = ""] = path.split("/")
    stores.set(store, (stores.get(store) ?? new Set()).add(file))
  }
  expect([...stores.keys()]).toContain("sqlite")
  for (const [store, files] of stores)
    for (const file of ["driver.ts", "broker.ts", "inspector.ts", "results.ts", "workers.ts"])
      expect({ store, file, there: files.has(file) }).toEqual({ store, file, there: true })
})

const sitsExam = (store: string, text: string) =>
  /\bexamine\(\{/.test(text) && new RegExp(`\\bname: "${store}"`).test(text)

test("every store sits the exam", () => {
  const stores = new Set(filesOf("src/adapters/*/driver.ts").map((path) => path.split("/")[2] as string))
  expect(stores.size).toBeGreaterThan(1)
  const absent = [...stores].filter((store) => {
    const [path] = filesOf(`tests/adapters/${store}.test.ts`)
    return !path || !sitsExam(store, read(path))
  })
  expect(absent).toEqual([])
  expect(sitsExam("redis", 'examine({ name: "sqlite" })')).toBeFalse()
})
