import { Database } from "bun:sqlite"
import { join } from "node:path"
import { DEFAULT_RETENTION, type WorkerConfig } from "../../src/core/config/config.ts"
import { clientOf, openStores, type Stores, startWorker, VERSION } from "../../src/stem.ts"
import { type DrainAsk, inputOf, lists, mustBeExact, type System, type Timed } from "./system.ts"

/** Child processes that run the handlers. */
export const ISOLATES = 2
/** Tasks in one call of enqueueMany. */
const LIST = 10_000

const pathIn = (folder: string) => join(folder, "stem.db")

export const openIn = (folder: string): Promise<Stores> =>
  openStores({ broker: `sqlite:${pathIn(folder)}`, namespace: "bench" })

/** Fills the store in the folder with tasks, all due now unless `delayMs` is given. */
export async function fill(folder: string, tasks: number, delayMs = 0): Promise<Timed> {
  const stores = await openIn(folder)
  const client = clientOf(stores)
  const options = { ...(delayMs > 0 && { delay: delayMs }) }
  const began = performance.now()
  for (const list of lists(tasks, LIST))
    await client.enqueueMany(list.map((n) => ({ task: "nothing", input: inputOf(n), options })))
  const ms = performance.now() - began
  await client.close()
  return { tasks, ms }
}

/** A worker of this process on the store in the folder, as `stem worker` would start it. */
export async function work(stores: Stores, concurrency: number, listener: Parameters<typeof startWorker>[2]) {
  const worker: WorkerConfig = {
    modules: [join(import.meta.dir, "../tasks.ts")],
    queues: [{ name: "default" }],
    concurrency,
    isolates: ISOLATES,
    isolation: "process",
    leaseMs: 60_000,
    graceMs: 10_000,
    name: "bench",
    maxTasks: 0,
    maxRssBytes: 0,
    drain: false,
    shell: false,
    shellAllow: [],
  }
  return startWorker(
    stores,
    {
      broker: stores.drivers[0]?.url ?? "",
      results: stores.drivers[0]?.url ?? "",
      namespace: "bench",
      log: { level: "silent", format: "json" },
      worker,
      retention: DEFAULT_RETENTION,
    },
    listener,
  )
}

/** Runs the first `tasks` of the store in the folder; `each` hears of every one that is stored as succeeded. */
export async function runSome(
  folder: string,
  { tasks, concurrency }: DrainAsk,
  each: (done: number) => void = () => {},
): Promise<Timed> {
  const stores = await openIn(folder)
  const all = Promise.withResolvers<void>()
  let began = 0
  let ended = 0
  let done = 0
  const worker = await work(stores, concurrency, ({ kind }) => {
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

/** What the store in the folder says about its results. */
export function check(folder: string, tasks: number): void {
  const db = new Database(pathIn(folder), { readonly: true })
  mustBeExact(
    tasks,
    db
      .query(
        `SELECT count(*) AS count, count(DISTINCT id) AS ids, sum(json_extract(status, '$.result')) AS sum
         FROM statuses WHERE state = 'succeeded'`,
      )
      .get() as { count: number; ids: number; sum: number },
  )
  db.close()
}

export const system: System = {
  about: {
    name: "stem",
    version: VERSION,
    durability: "fsync before every answer (WAL, synchronous=FULL)",
    results: "stored",
    handlers: `${ISOLATES} child processes`,
  },

  async enqueueOne(folder, tasks) {
    const client = clientOf(await openIn(folder))
    const began = performance.now()
    for (let n = 0; n < tasks; n++) await client.enqueue("nothing", inputOf(n))
    const ms = performance.now() - began
    await client.close()
    return { tasks, ms }
  },

  enqueueMany: (folder, tasks) => fill(folder, tasks),

  async drain(folder, ask) {
    await fill(folder, ask.tasks)
    const timed = await runSome(folder, ask)
    check(folder, ask.tasks)
    return timed
  },
}
