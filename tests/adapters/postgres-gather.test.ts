import { expect, test } from "bun:test"
import { createGather } from "../../src/adapters/postgres/gather.ts"

/** A gather whose groups end when they are told to. */
function desk(most?: number) {
  const groups: { items: readonly string[]; end: () => void }[] = []
  const gather = createGather<string, string>((items) => {
    const { promise, resolve } = Promise.withResolvers<readonly string[]>()
    groups.push({ items, end: () => resolve(items.map((item) => `${item}!`)) })
    return promise
  }, most)
  return { groups, gather, names: () => groups.map(({ items }) => items.join("")) }
}

const turn = () => new Promise(setImmediate)

test("calls gather while one is under way, and each hears of its own items", async () => {
  const { groups, gather, names } = desk()
  const calls = [gather(["a"]), gather(["b"])]
  await turn()
  calls.push(gather(["c"]), gather(["d", "e"]))
  await turn()
  expect(names()).toEqual(["ab"])
  groups[0]?.end()
  await turn()
  expect(names()).toEqual(["ab", "cde"])
  groups[1]?.end()
  expect(await Promise.all(calls)).toEqual([["a!"], ["b!"], ["c!"], ["d!", "e!"]])
})

test("where two may be under way the third gathers until one of them is done", async () => {
  const { groups, gather, names } = desk(2)
  const calls = [gather(["a"])]
  await turn()
  calls.push(gather(["b"]))
  await turn()
  calls.push(gather(["c"]), gather(["d"]))
  await turn()
  expect(names()).toEqual(["a", "b"])
  groups[1]?.end()
  await turn()
  expect(names()).toEqual(["a", "b", "cd"])
  for (const group of groups) group.end()
  expect(await Promise.all(calls)).toEqual([["a!"], ["b!"], ["c!"], ["d!"]])
})
