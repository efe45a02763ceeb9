import { afterEach, beforeEach, expect, test } from "bun:test"
import * as v from "valibot"
import { type Client, connect, defineTask } from "../../src/index.ts"
import { type ModuleFolder, moduleFolder } from "../support/module-folder.ts"
import { stem } from "./stem.ts"

const MODULE = `export const twice = ({ n }: { n: number }) => 2 * n`
const twice = defineTask({
  name: "twice",
  input: v.object({ n: v.number() }),
  run: ({ n }): number => 2 * n,
})

let folder: ModuleFolder
let client: Client
beforeEach(async () => {
  folder = moduleFolder({ "tasks.ts": MODULE })
  client = await connect(`sqlite:${folder.file("program.db")}`)
})
afterEach(async () => {
  await client.close()
  folder[Symbol.dispose]()
})

test("A program enqueues, waits and cancels through connect", async () => {
  // @ts-expect-error: the types refuse it as well
  await expect(client.enqueue(twice, { n: "four" })).rejects.toMatchObject({ code: "invalid_input" })
  const { id, kind } = await client.enqueue(twice, { n: 4 })
  expect(kind).toBe("stored")
  const [many] = await client.enqueueMany([{ task: "twice", input: { n: 5 } }])
  const { id: later } = await client.enqueue(twice, { n: 6 }, { delay: "1h" })

  expect(await client.result(id)).toMatchObject({ state: "queued", attempt: 0 })
  expect((await client.wait(id, { timeout: "20ms" })).state).toBe("queued")
  expect(await client.cancel([later, "nobody"])).toMatchObject([{ kind: "cancelled" }, { kind: "unknown" }])
  expect((await client.wait(later)).state).toBe("cancelled")

  const worker = stem(folder, [
    "worker",
    folder.file("tasks.ts"),
    "--drain",
    "--isolates",
    "1",
    "--broker",
    `sqlite:${folder.file("program.db")}`,
  ])
  const ended = await client.wait(id, { timeout: "30s" })
  expect(ended).toMatchObject({ state: "succeeded", result: 8 })
  expect((await client.wait(many?.id ?? "", { timeout: "30s" })).result).toBe(10)
  expect((await worker).code).toBe(0)
})
