import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { passedOn, undocumented } from "./documented.ts"
import { filesOf, ROOT, read } from "./tree.ts"

test("every exported name of core says what it promises", () => {
  const found = filesOf("src/core/**/*.ts").flatMap((path) =>
    undocumented(read(path)).map((name) => `${path}:${name}`),
  )
  expect(found).toEqual([])
})

test("every public name is documented where it is defined", () => {
  expect(existsSync(join(ROOT, "src/index.ts"))).toBeTrue()
  const index = read("src/index.ts")
  expect(undocumented(index)).toEqual([])
  const found = passedOn(index).flatMap(({ name, from }) => {
    const path = normalize(join(dirname("src/index.ts"), from))
    return undocumented(read(path)).some((line) => line.endsWith(` ${name}`)) ? [`${path}: ${name}`] : []
  })
  expect(found).toEqual([])
})

test("a name without a comment is found", () => {
  const text = `
/** Has one. */
export const a = 1
export function b() {}

// Not a doc comment.
export type C = string
/* Neither. */
export interface D {}
/** For the linter's sake. */
// biome-ignore lint/suspicious/noExplicitAny: a sample
export type E = any
/** Both together. */
export interface F {}
export const F = {}
const inside = 1
export async function* g() {}
`
  expect(undocumented(text).map((line) => line.split(" ")[1])).toEqual(["b", "C", "D", "g"])
})

test("what a file passes on is read", () => {
  const text = 'export { type A, b as c } from "./d.ts"\nexport type { E } from "./f.ts"'
  expect(passedOn(text)).toEqual([
    { name: "A", from: "./d.ts" },
    { name: "b", from: "./d.ts" },
    { name: "E", from: "./f.ts" },
  ])
})
