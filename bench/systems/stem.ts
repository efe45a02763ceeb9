import { join } from "node:path"
import { DEFAULT_EVENTS, DEFAULT_RETENTION, type WorkerConfig } from "../../src/core/config/config.ts"
import { clientOf, openStores, type Stores, startWorker, VERSION } from "../../src/stem.ts"
import type { Place, StoreName } from "../places.ts"
import { check } from "./check.ts"
import { type About, type DrainAsk, inputOf, lists, type System, type Timed } from "./system.ts"

/** Child processes that run the handlers. */
export const ISOLATES = 2
/** Tasks in one call of enqueueMany. */
const LIST = 10_000

/** Whether what happens is told; for this process, which measures one thing. */
let telling = true

export const openIn = ({ broker, name }: Place): Promise<Stores> =>
  openStores({ broker, namespace: name, events: { ...DEFAULT_EVENTS, on: telling } })

/** Fills the place with tasks, all due now unless `delayMs` is given. */
export async function fill(place: Place, tasks: number, delayMs = 0, task = "nothing"): Promise<Timed> {
  const stores = await openIn(place)
  const client = clientOf(stores)
  const options = { ...(delayMs > 0 && { delay: delayMs }) }
  const began = performance.now()
  for (const list of lists(tasks, LIST))
    await client.enqueueMany(list.map((n) => ({ task, input: inputOf(n), options })))
  const ms = performance.now() - began
  await client.close()
  return { tasks, ms }
}

/** A worker of this process, as `stem worker` would start it. */
export async function work(
  stores: Stores,
  { broker, name }: Place,
  concurrency: number,
  listener: Parameters<typeof startWorker>[2],
) {
  const worker: WorkerConfig = {
    modules: [join(import.meta.dir, "../tasks.ts")],
    queues: [{ name: "default" }],
    concurrency,
    isolates: ISOLATES,
    isolatesMost: ISOLATES,
    isolation: "process",
    leaseMs: 60_000,
    graceMs: 10_000,
    name: "bench",
    maxTasks: 0,
    maxRssBytes: 0,
    drain: false,
    beat: false,
    shell: false,
    shellAllow: [],
  }
  return startWorker(
    stores,
    {
      ...{ broker, results: broker, schedules: broker, namespace: name },
      log: { level: "silent", format: "json" },
      ...{ worker, retention: DEFAULT_RETENTION },
    },
    listener,
  )
}

/** Runs the first `tasks` of the place; `each` hears of every one that is stored as succeeded. */
export async function runSome(
  place: Place,
  { tasks, concurrency }: DrainAsk,
  each: (done: number) => void = () => {},
): Promise<Timed> {
  const stores = await openIn(place)
  const all = Promise.withResolvers<void>()
  let began = 0
  let ended = 0
  let done = 0
  const worker = await work(stores, place, concurrency, ({ kind }) => {
    if (kind === "ready") began = performance.now()
    else if (kind === "retrying" || kind === "failed" || kind === "lease_lost")
      all.reject(new Error(`a task was ${kind}`))
    else if (kind === "succeeded") {
      done += 1
      each(done)
      if (done !== tasks) return
      ended = performance.now()
      all.resolve()
    }
  })
  await all.promise
  worker.drain()
  await worker.done
  await stores.close()
  return { tasks, ms: ended - began }
}

/** Runs so many tasks of one definition. */
export async function drainOf(place: Place, ask: DrainAsk, task: string): Promise<Timed> {
  await fill(place, ask.tasks, 0, task)
  const timed = await runSome(place, ask)
  await check(place, ask.tasks)
  return timed
}

/** The same with events on or off. */
export async function drainTelling(place: Place, ask: DrainAsk, on: boolean): Promise<Timed> {
  telling = on
  return drainOf(place, ask, "nothing")
}

const DURABILITY: Record<StoreName, string> = {
  sqlite: "fsync before every answer (WAL, synchronous=FULL)",
  redis: "AOF, fsync once a second",
  postgres: "fsync before every answer (synchronous_commit=on)",
}

/** What is to be said of Stem on this store. */
export const aboutOn = (store: StoreName): About => ({
  ...{ name: "stem", version: VERSION, durability: DURABILITY[store], results: "stored" },
  handlers: `${ISOLATES} child processes`,
})

export const system: Omit<System, "about"> = {
  async enqueueOne(place, tasks) {
    const client = clientOf(await openIn(place))
    const began = performance.now()
    for (let n = 0; n < tasks; n++) await client.enqueue("nothing", inputOf(n))
    const ms = performance.now() - began
    await client.close()
    return { tasks, ms }
  },

  enqueueMany: (place, tasks) => fill(place, tasks),

  drain: (place, ask) => drainOf(place, ask, "nothing"),
}
