import { expect, test } from "bun:test"
import { open } from "../../../src/adapters/memory/driver.ts"
import { type ClientParts, createClient } from "../../../src/core/client/client.ts"
import { createKeeper } from "../../../src/core/client/keeper.ts"
import { openLater } from "../../../src/core/client/open-later.ts"
import { createSpool } from "../../../src/core/client/spool.ts"
import { invalid, unavailable } from "../../../src/core/kit/errors.ts"
import { manualClock } from "../../support/manual-clock.ts"
import { thrown } from "../../support/thrown.ts"

const AWAY = unavailable("store_away", "redis://host can not be reached: no answer")
let stores = 0

/** A client with a spool; its store does what `trouble` does before or after it takes a batch. */
async function desk(trouble: { before?: () => void; after?: () => void }) {
  const clock = manualClock()
  const openOne = () => open(`memory:keeping-${++stores}`, { namespace: "t", clock })
  const [driver, kept] = [await openOne(), await openOne()]
  const spool = createSpool(kept, { store: "redis://host", namespace: "t" }, clock)
  const keeper = createKeeper(async () => spool)
  let asked = 0
  const broker: ClientParts["broker"] = {
    ...driver.broker,
    async enqueue(envelopes) {
      asked++
      trouble.before?.()
      const answers = await driver.broker.enqueue(envelopes)
      trouble.after?.()
      return answers
    },
  }
  const client = createClient({ ...driver, broker, clock, keep: keeper.keep, close: keeper.close })
  return { clock, driver, spool, client, trouble, asked: () => asked }
}
const fail = (error: Error) => () => {
  throw error
}

test("many tasks are kept from the first batch on that the store does not take, and nothing is doubled", async () => {
  const { client, driver, spool, trouble } = await desk({})
  let batches = 0
  // The second batch is stored, but its answer is lost on the way.
  trouble.after = () => {
    if (++batches === 2) throw AWAY
  }
  const sent = await client.enqueueMany(Array.from({ length: 3500 }, (_, n) => ({ task: "t", input: n })))
  expect(sent.map(({ kind }) => kind)).toEqual([
    ...Array(1000).fill("stored"),
    ...Array(2500).fill("spooled"),
  ])
  expect(await spool.count()).toBe(2500)
  expect(await spool.flush(driver.broker)).toBe(2500)
  const [queue] = await driver.inspector.queues()
  expect(queue?.ready).toBe(3500)
  const found = await driver.inspector.find(sent.map(({ id }) => id))
  expect(found.map((task) => task?.envelope.input)).toEqual(Array.from({ length: 3500 }, (_, n) => n))
})

test("a store that is away is asked again after a while, not for every batch", async () => {
  const { client, clock, trouble, asked } = await desk({ before: fail(AWAY) })
  for (let n = 0; n < 5; n++) expect((await client.enqueue("t", n)).state).toBe("spooled")
  expect(asked()).toBe(1)
  await clock.advance(5000)
  delete trouble.before
  expect((await client.enqueue("t", 5)).kind).toBe("stored")
  expect((await client.enqueue("t", 6)).kind).toBe("stored")
})

test("what the store refuses for good is not kept", async () => {
  const { client, spool } = await desk({ before: fail(invalid("too_large", "too large")) })
  expect(await thrown(client.enqueue("t"))).toMatchObject({ code: "too_large" })
  expect(await spool.count()).toBe(0)
})

test("when neither the store nor the spool takes a task, both are named", async () => {
  const clock = manualClock()
  const driver = await open(`memory:keeping-${++stores}`, { namespace: "t", clock })
  const broker = { ...driver.broker, enqueue: () => Promise.reject(AWAY) }
  const keeper = createKeeper(() => Promise.reject(unavailable("store_no_folder", "there is no folder")))
  const client = createClient({ ...driver, broker, clock, keep: keeper.keep })
  const error = await thrown(client.enqueue("t"))
  expect(error.kind).toBe("unavailable")
  expect(error.message).toBe("redis://host can not be reached: no answer; and the spool: there is no folder")
})

test("a store that could not be opened is opened at the next use", async () => {
  const clock = manualClock()
  const driver = await open(`memory:keeping-${++stores}`, { namespace: "t", clock })
  let tries = 0
  const later = openLater(async () => {
    if (++tries === 1) throw AWAY
    return driver
  }, clock)
  const client = createClient({ ...later, clock })
  expect(await thrown(client.enqueue("t"))).toMatchObject({ code: "store_away" })
  const sent = await client.enqueue("t")
  expect((await client.result(sent))?.state).toBe("queued")
  expect(tries).toBe(2)
  await client.close()
})

test("that a store could not be opened is told to whoever uses it next, and it is left alone for a while", async () => {
  const clock = manualClock()
  const driver = await open(`memory:keeping-${++stores}`, { namespace: "t", clock })
  let tries = 0
  const later = openLater(async () => {
    if (++tries <= 2) throw AWAY
    return driver
  }, clock)
  await later.ready()
  expect(await thrown(later.inspector.find(["a"]))).toMatchObject({ code: "store_away" })
  await later.ready()
  expect(tries).toBe(1)
  await clock.advance(5000)
  await later.ready()
  expect(tries).toBe(2)
  expect(await thrown(later.inspector.find(["a"]))).toMatchObject({ code: "store_away" })
  expect(await later.inspector.find(["a"])).toEqual([undefined])
  expect(tries).toBe(3)
  await later.close()
})

test("why a store could not be opened is not told long after", async () => {
  const clock = manualClock()
  const driver = await open(`memory:keeping-${++stores}`, { namespace: "t", clock })
  let tries = 0
  const later = openLater(async () => {
    if (++tries === 1) throw AWAY
    return driver
  }, clock)
  await later.ready()
  await clock.advance(5000)
  expect(await later.inspector.find(["a"])).toEqual([undefined])
  await later.close()
})
