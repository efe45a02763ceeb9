import { expect, test } from "bun:test"
import { readConfigFile } from "../../../src/core/config/file.ts"
import { routingOf } from "../../../src/core/config/routing.ts"
import { thrown } from "../../support/thrown.ts"

const file = (text: string, name = "stem.toml") => ({ name, directory: "/here", text })

test("rules stand in their order, those of the nearest file first", async () => {
  const near = file('[routing]\n"b.*" = "b"\n"a.*" = { queue = "a", priority = 9 }\n[aliases]\nx = "a"')
  const far = file('[routing]\n"*" = { priority = 0 }\n[aliases]\nx = "other"', "/etc/stem/stem.toml")
  const { rules, aliases } = await routingOf([near, far])
  expect(rules.map(({ pattern, queue, priority, from }) => [pattern, queue, priority, from.file])).toEqual([
    ["b.*", "b", undefined, "stem.toml"],
    ["a.*", "a", 9, "stem.toml"],
    ["*", undefined, 0, "/etc/stem/stem.toml"],
  ])
  expect(aliases.map(({ alias, queue }) => [alias, queue])).toEqual([
    ["x", "a"],
    ["x", "other"],
  ])
  expect((await readConfigFile(near)).size).toBe(0)
})

test.each([
  ["routing = 5", "stem.toml: routing: it is no table"],
  ['[routing]\n"a b" = "q"', 'stem.toml: routing."a b": this is no pattern of task names'],
  ['[routing]\n"7" = "q"', "stem.toml: routing.7: a pattern needs more than digits"],
  ["[routing]\nimage.resize = 'q'", 'stem.toml: routing.image: "resize" is no field of a rule'],
  ['[routing]\na = { que = "q" }', 'stem.toml: routing.a: "que" is no field of a rule'],
  ["[routing]\na = {}", "stem.toml: routing.a: it says neither a queue nor a priority"],
  ["[routing]\na = 3", "stem.toml: routing.a: it says neither a queue nor a priority"],
  ['[routing]\na = "no queue"', 'stem.toml: routing.a: "no queue" is not a queue\'s name'],
  [
    "[routing]\na = { priority = 10 }",
    "stem.toml: routing.a: priority: 10 is not a whole number from 0 to 9",
  ],
  ['[routing]\na = { priority = "9" }', 'stem.toml: routing.a: priority: "9" is not a whole number'],
  ['[aliases]\n"a b" = "q"', 'stem.toml: aliases."a b": this is not a queue\'s name'],
  ["[aliases]\na = 1", "stem.toml: aliases.a: 1 is not a queue's name"],
  ['[aliases]\na = "b"\nb = "c"', 'stem.toml: aliases.a: "b" is itself an alias'],
])("%j is refused", async (text, message) => {
  const error = await thrown(routingOf([file(text)]))
  expect(error).toMatchObject({ kind: "invalid", code: "invalid_config" })
  expect(error.message).toStartWith(message)
})
