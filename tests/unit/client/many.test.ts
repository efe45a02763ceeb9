import { expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import { type ClientParts, createClient } from "../../../src/core/client/client.ts"
import { unavailable } from "../../../src/core/kit/errors.ts"
import { systemClock } from "../../../src/runtime/clock.ts"

let stores = 0

/** A client whose store answers each batch when it is told to. */
async function desk() {
  const driver = await open(`memory:many-${++stores}`, { namespace: "t", clock: systemClock })
  const calls: { ids: string[]; go: PromiseWithResolvers<void> }[] = []
  const broker: ClientParts["broker"] = {
    ...driver.broker,
    async enqueue(envelopes) {
      const go = Promise.withResolvers<void>()
      calls.push({ ids: envelopes.map(({ id }) => id), go })
      await go.promise
      return driver.broker.enqueue(envelopes)
    },
  }
  return { calls, client: createClient({ ...driver, broker, clock: systemClock }) }
}
const asks = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ task: "hello", options: { id: `task-${n}` } }))
const turn = () => new Promise((resolve) => setImmediate(resolve))

test("many are sent in order, with two batches under way at most", async () => {
  const { calls, client } = await desk()
  const sending = client.enqueueMany(asks(3500))
  await turn()
  expect(calls.map(({ ids }) => ids[0])).toEqual(["task-0", "task-1000"])
  calls[1]?.go.resolve()
  await turn()
  expect(calls).toHaveLength(2)
  calls[0]?.go.resolve()
  await turn()
  expect(calls.map(({ ids }) => ids[0])).toEqual(["task-0", "task-1000", "task-2000", "task-3000"])
  for (const { go } of calls) go.resolve()
  expect((await sending).map(({ id }) => id)).toEqual(asks(3500).map(({ options }) => options.id))
})

test("after a failure nothing more is sent, and nothing is under way any more when it is told", async () => {
  const { calls, client } = await desk()
  let told = false
  const sending = client.enqueueMany(asks(3000)).catch((error) => {
    told = true
    return error
  })
  await turn()
  calls[0]?.go.reject(unavailable("store_away", "it is away"))
  await turn()
  expect({ told, calls: calls.length }).toEqual({ told: false, calls: 2 })
  calls[1]?.go.resolve()
  expect(await sending).toMatchObject({ code: "store_away" })
  expect(calls).toHaveLength(2)
})

test("what the caller hands over stays the caller's", async () => {
  const { calls, client } = await desk()
  const [input, headers] = [{ list: [1] }, { a: "b" }]
  const sending = client.enqueue("hello", input, { headers })
  await turn()
  input.list.push(2)
  headers.a = "c"
  calls[0]?.go.resolve()
  await sending
  expect({ input, headers }).toEqual({ input: { list: [1, 2] }, headers: { a: "c" } })
})

test("what is sent after something is checked at once, stored behind it, and not stored when that fails", async () => {
  const { calls, client } = await desk()
  const before = Promise.withResolvers<void>()
  const sending = client.enqueueMany(asks(2), { after: before.promise })
  const wrong = { task: "hello", options: { priority: 11 } }
  const refused = await client.enqueueMany([wrong], { after: before.promise }).catch((error) => error)
  expect(refused).toMatchObject({ code: "malformed_envelope" })
  await turn()
  expect(calls).toHaveLength(0)
  before.resolve()
  await turn()
  expect(calls.map(({ ids }) => ids)).toEqual([["task-0", "task-1"]])
  calls[0]?.go.resolve()
  expect(await sending).toHaveLength(2)

  const failed = Promise.reject(unavailable("store_away", "it is away"))
  const left = await client.enqueueMany(asks(2), { after: failed }).catch((error) => error)
  expect(left).toMatchObject({ code: "store_away" })
  expect(calls).toHaveLength(1)
})
