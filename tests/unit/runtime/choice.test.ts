import { expect, test } from "bun:test"
import { createChoice } from "../../../src/runtime/isolates/choice.ts"

/** Gives so many runs to a team of so many, and answers who was given them. */
function given(runs: number, size: number): number[] {
  const team = Array.from({ length: size }, (_, index) => ({ index, load: 0 }))
  const choose = createChoice<(typeof team)[number]>()
  return Array.from({ length: runs }, () => {
    const one = choose(team) as (typeof team)[number]
    one.load += 1
    return one.index
  })
}

const counts = (to: readonly number[], size: number) =>
  Array.from({ length: size }, (_, index) => to.filter((one) => one === index).length)

test("of a few runs each isolate has as many, or one less", () => {
  for (const size of [1, 2, 3, 4])
    for (let runs = 1; runs <= 8 * size; runs++) {
      const loads = counts(given(runs, size), size)
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
    }
})

test("of many, neighbours go to one isolate, and none has an eighth more than another", () => {
  const to = given(1000, 2)
  const loads = counts(to, 2)
  expect(Math.max(...loads)).toBeLessThanOrEqual(Math.min(...loads) * 1.125 + 1)
  expect(to.filter((one, at) => at > 0 && one !== to[at - 1]).length).toBeLessThan(100)
})

test("one that left the team is not chosen, and nobody of nobody", () => {
  const [a, b] = [{ load: 0 }, { load: 5 }]
  const choose = createChoice<{ load: number }>()
  expect(choose([a, b])).toBe(a)
  expect(choose([b])).toBe(b)
  expect(choose([])).toBeUndefined()
})
