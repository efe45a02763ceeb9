import { expect, test } from "bun:test"
import { scenariosOf, titlesOf } from "./scenarios.ts"
import { filesOf, read } from "./tree.ts"

const scenarios = filesOf("openspec/specs/*/spec.md").flatMap((path) =>
  scenariosOf(read(path)).map((title) => ({ path, title })),
)

test("every scenario of the specs has a test of its name", () => {
  const titles = new Set(filesOf("tests/**/*.ts").flatMap((path) => titlesOf(read(path))))
  const open = scenarios
    .filter(({ title }) => !titles.has(title))
    .map(({ path, title }) => `${path}: ${title}`)
  expect(open).toEqual([])
})

test("no two scenarios have the same name", () => {
  const seen = new Set<string>()
  const twice = scenarios.filter(({ title }) => seen.size === seen.add(title).size)
  expect(twice).toEqual([])
})

test("scenarios and titles are read, skipped tests are not", () => {
  const spec =
    "### Requirement: R\n\n#### Scenario: One thing is so\n\n- **WHEN** a\n\n#### Scenario: The winner's result stays\n"
  expect(scenariosOf(spec)).toEqual(["One thing is so", "The winner's result stays"])
  const file = `
test("One thing is so", () => {})
  it("The winner's result stays", async () => {})
test.if(x)("Under a condition", () => {})
test.each([1])(\`In backquotes\`, () => {})
onTinyDisk(\`Where it can\${needs}\`, () => {})
test.skip("Skipped", () => {})
test.todo("Open")
const exam = {
  "By its key": async (desk) => {},
  "As a method"() {},
}
const other = "Only a string"
`
  expect([...titlesOf(file)].sort()).toEqual(
    [
      "As a method",
      "By its key",
      "In backquotes",
      "One thing is so",
      "The winner's result stays",
      "Under a condition",
      "Where it can",
    ].sort(),
  )
})
