import { afterEach, beforeEach, expect, test } from "bun:test"
import { type ModuleFolder, moduleFolder } from "../support/module-folder.ts"
import { POSTGRES_URL } from "../support/postgres-store.ts"
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

test("what a server refuses is told alike by the executable and the sources", async () => {
  const told = async (broker: string) => {
    const { code, err } = await stem(folder, ["health", "--broker", broker])
    return { code, err }
  }
  const wrong = new URL(POSTGRES_URL)
  wrong.password = "hunter2"
  const password = await told(wrong.href)
  expect(password.code).toBe(69)
  expect(password.err).toContain("refused the user or the password")
  expect(password.err).not.toContain("hunter2")
  const nowhere = new URL(POSTGRES_URL)
  nowhere.pathname = "/no_such_database"
  expect((await told(nowhere.href)).err).toContain("has no such database")
})

test("of many who send one id at once to Postgres one stores it, and the others are told that it is known", async () => {
  const id = `once-${crypto.randomUUID()}`
  const send = ["enqueue", "who", "--id", id, "-o", "json", "--broker", POSTGRES_URL, "--namespace", id]
  const answers = await Promise.all(Array.from({ length: 8 }, () => stem(folder, send)))
  expect(answers.map(({ code, err }) => ({ code, err }))).toEqual(answers.map(() => ({ code: 0, err: "" })))
  expect(answers.filter(({ out }) => !JSON.parse(out).duplicate)).toHaveLength(1)
})
