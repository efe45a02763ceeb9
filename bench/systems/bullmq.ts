/** BullMQ as its documentation says for speed; this module runs on Bun and on Node. */
import { Queue, Worker } from "bullmq"
import manifest from "bullmq/package.json" with { type: "json" }
import type { Place } from "../places.ts"
import { type DrainAsk, inputOf, lists, mustBeExact, type System, type Timed } from "./system.ts"

/** Jobs in one addBulk: a transaction of so many scripts. */
const LIST = 1000
/** Its documentation names 100 to 300 for handlers that wait; of 50 to 1000 tried, none was clearly faster. */
const CONCURRENCY = 200
const NAME = "default"

const optionsOf = ({ server, name }: Place) => {
  const { hostname, port } = new URL(server)
  return { connection: { host: hostname, port: Number(port) }, prefix: name }
}

const open = (place: Place) =>
  new Queue(NAME, { ...optionsOf(place), defaultJobOptions: { removeOnComplete: false } })

async function fill(queue: Queue, tasks: number): Promise<Timed> {
  await queue.waitUntilReady()
  const began = performance.now()
  for (const list of lists(tasks, LIST))
    await queue.addBulk(list.map((n) => ({ name: "nothing", data: inputOf(n) })))
  return { tasks, ms: performance.now() - began }
}

async function run(place: Place, tasks: number, concurrency: number): Promise<Timed> {
  let finish: (ended: number) => void = () => {}
  let fail: (why: unknown) => void = () => {}
  const all = new Promise<number>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  let done = 0
  const worker = new Worker(NAME, async (job) => job.data.n, {
    ...optionsOf(place),
    ...{ autorun: false, concurrency },
  })
  worker.on("failed", (_job, error) => fail(error))
  worker.on("error", fail)
  worker.on("completed", () => {
    done += 1
    if (done === tasks) finish(performance.now())
  })
  await worker.waitUntilReady()
  const began = performance.now()
  worker.run().catch(fail)
  const ms = (await all) - began
  await worker.close()
  return { tasks, ms }
}

/** Each completed job has its returnvalue in a hash of its own. */
async function check(queue: Queue, tasks: number): Promise<void> {
  const ids = new Set<string>()
  let sum = 0
  let count = 0
  for (let from = 0; from < tasks; from += 5000)
    for (const job of await queue.getCompleted(from, from + 4999)) {
      count += 1
      ids.add(String(job.id))
      sum += job.returnvalue
    }
  mustBeExact(tasks, { count, ids: ids.size, sum })
}

const systemOn = (runtime: string): System => ({
  about: {
    name: `BullMQ on ${runtime}`,
    version: manifest.version,
    durability: "AOF, fsync once a second",
    results: "stored",
    handlers: `the same process, ${CONCURRENCY} at once`,
  },

  async enqueueOne(place, tasks) {
    const queue = open(place)
    await queue.waitUntilReady()
    const began = performance.now()
    for (let n = 0; n < tasks; n++) await queue.add("nothing", inputOf(n))
    return { tasks, ms: performance.now() - began }
  },

  enqueueMany: (place, tasks) => fill(open(place), tasks),

  drain: (place, ask) => drainAt(place, ask, CONCURRENCY),
})

/** For finding its best setting. */
export async function drainAt(place: Place, { tasks }: DrainAsk, concurrency: number): Promise<Timed> {
  const queue = open(place)
  await fill(queue, tasks)
  const timed = await run(place, tasks, concurrency)
  await check(queue, tasks)
  return timed
}

export const system: System = systemOn("Bun")
export const onNode: System = systemOn("Node")
