import { Database } from "bun:sqlite"
import { join } from "node:path"
import { Queue, shutdownManager, Worker } from "bunqueue/client"
import manifest from "bunqueue/package.json" with { type: "json" }
import type { Place } from "../places.ts"
import { type DrainAsk, inputOf, lists, mustBeExact, type System, type Timed } from "./system.ts"

/** The largest list its own benchmark gives to addBulk. */
const LIST = 1000
/** Of the settings tried, 10 to 1000 at once with and without locks, none was clearly faster than this. */
const BEST = { concurrency: 100, batchSize: 100, useLocks: false }

const pathIn = ({ folder }: Place) => join(folder, "bunqueue.db")

function open(place: Place, durable: boolean) {
  return new Queue("default", {
    embedded: true,
    dataPath: pathIn(place),
    defaultJobOptions: { durable, removeOnComplete: false },
  })
}

async function fill(queue: Queue, tasks: number, durable: boolean): Promise<Timed> {
  const began = performance.now()
  for (const list of lists(tasks, LIST))
    await queue.addBulk(list.map((n) => ({ name: "nothing", data: inputOf(n), opts: { durable } })))
  return { tasks, ms: performance.now() - began }
}

async function run({ tasks }: DrainAsk): Promise<Timed> {
  const all = Promise.withResolvers<void>()
  let done = 0
  const worker = new Worker("default", async (job) => (job.data as { n: number }).n, {
    embedded: true,
    autorun: false,
    ...BEST,
  })
  worker.on("failed", (_job, error) => all.reject(error))
  worker.on("error", (error) => all.reject(error))
  worker.on("completed", () => {
    done += 1
    if (done === tasks) all.resolve()
  })
  const began = performance.now()
  worker.run()
  await all.promise
  const ms = performance.now() - began
  await worker.close()
  return { tasks, ms }
}

function check(place: Place, tasks: number): void {
  const db = new Database(pathIn(place))
  const counted = db.query("SELECT count(*) AS count, count(DISTINCT job_id) AS ids FROM job_results").get()
  const results = db.query("SELECT result FROM job_results").values() as [Uint8Array][]
  const sum = results.reduce((total, [packed]) => total + unpackInteger(packed), 0)
  db.close()
  mustBeExact(tasks, { ...(counted as { count: number; ids: number }), sum })
}

/** A MessagePack integer, which is all the handler returns: the store keeps results in this form. */
function unpackInteger(packed: Uint8Array): number {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const kind = view.getUint8(0)
  if (kind < 0x80) return kind
  if (kind === 0xcc) return view.getUint8(1)
  if (kind === 0xcd) return view.getUint16(1)
  if (kind === 0xce) return view.getUint32(1)
  throw new Error(`no integer of MessagePack: ${packed.toHex()}`)
}

const systemWith = (durable: boolean): System => ({
  about: {
    name: durable ? "bunqueue, durable" : "bunqueue",
    version: manifest.version,
    durability: durable
      ? "a commit before every answer, no fsync (WAL, synchronous=NORMAL)"
      : "none before the answer: a buffer in memory, written every 10 ms (WAL, synchronous=NORMAL)",
    results: "stored",
    handlers: "the same process, 100 at once, no locks",
  },

  async enqueueOne(place, tasks) {
    const queue = open(place, durable)
    const began = performance.now()
    for (let n = 0; n < tasks; n++) await queue.add("nothing", inputOf(n), { durable })
    const ms = performance.now() - began
    await queue.close()
    shutdownManager()
    return { tasks, ms }
  },

  async enqueueMany(place, tasks) {
    const queue = open(place, durable)
    const timed = await fill(queue, tasks, durable)
    await queue.close()
    shutdownManager()
    return timed
  },

  async drain(place, ask) {
    const queue = open(place, durable)
    await fill(queue, ask.tasks, durable)
    const timed = await run(ask)
    await queue.close()
    shutdownManager()
    check(place, ask.tasks)
    return timed
  },
})

/** As it comes: with its write buffer. */
export const system: System = systemWith(false)
/** With its `durable` option, the nearest it has to Stem's promise. */
export const durable: System = systemWith(true)
