import { afterEach, beforeEach, expect, test } from "bun:test"
import { type ModuleFolder, moduleFolder } from "../support/module-folder.ts"
import { stem } from "./stem.ts"

let folder: ModuleFolder
beforeEach(() => {
  folder = moduleFolder({ "tasks.ts": "export const who = (input: unknown) => input" })
})
afterEach(() => folder[Symbol.dispose]())

test("An unknown scheme is refused with the known ones", async () => {
  const { code, out, err } = await stem(folder, ["enqueue", "who", "--broker", "carrier-pigeon://roof"])
  expect({ code, out }).toEqual({ code: 2, out: "" })
  expect(err).toContain("carrier-pigeon")
  for (const scheme of ["sqlite:", "memory:"]) expect(err).toContain(scheme)
})

test("Two namespaces on one store never meet", async () => {
  const at = (namespace: string, ...args: string[]) => stem(folder, [...args, "--namespace", namespace])
  const json = async (namespace: string, ...args: string[]) =>
    JSON.parse((await at(namespace, ...args, "-o", "json")).out)

  for (const namespace of ["red", "blue"]) {
    const { code, out } = await at(namespace, "enqueue", "who", `from=${namespace}`, "--id", "one")
    expect({ code, out }).toEqual({ code: 0, out: "one\n" })
  }
  await at("red", "enqueue", "unheard-of", "--id", "two", "--retries", "0")
  await at("red", "queue", "pause", "default")
  await at("blue", "worker", folder.file("tasks.ts"), "--drain", "--isolates", "1")
  expect(await json("blue", "result", "one")).toMatchObject({ state: "succeeded", result: { from: "blue" } })
  expect(await json("red", "result", "one")).toMatchObject({ state: "queued" })

  await at("red", "queue", "resume", "default")
  await at("red", "worker", folder.file("tasks.ts"), "--drain", "--isolates", "1")
  expect(await json("red", "result", "one")).toMatchObject({ state: "succeeded", result: { from: "red" } })
  expect(await json("red", "dlq", "list")).toMatchObject([{ id: "two" }])
  expect(await json("blue", "dlq", "list")).toEqual([])
  expect((await at("blue", "result", "two")).code).toBe(3)
})
