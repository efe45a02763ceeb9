/** graphile-worker, as it comes and as its documentation says for speed; this module runs on Bun and on Node. */
import { Logger, makeWorkerUtils, runOnce, type WorkerUtils } from "graphile-worker"
import manifest from "graphile-worker/package.json" with { type: "json" }
import postgres from "postgres"
import type { Place } from "../places.ts"
import { type DrainAsk, inputOf, lists, mustBeExact, type System, type Timed } from "./system.ts"

const LIST = 1000

/** How a worker of it is set up. */
export interface Setting {
  readonly concurrentJobs: number
  readonly maxPoolSize: number
  readonly localQueue?: { readonly size: number }
  readonly completeJobBatchDelay?: number
  readonly failJobBatchDelay?: number
}

/** As it comes. */
const DEFAULTS: Setting = { concurrentJobs: 1, maxPoolSize: 10 }
/** The fastest of eleven settings tried in rounds; 24 at once with a queue of 500 ran at two thirds of it. */
const BATCHING: Setting = {
  ...{ concurrentJobs: 500, maxPoolSize: 25, localQueue: { size: 2000 } },
  ...{ completeJobBatchDelay: 0, failJobBatchDelay: 0 },
}

const logger = new Logger(() => () => {})

const optionsOf = ({ server, name }: Place, setting: Setting) => ({
  ...{ logger, noHandleSignals: true },
  preset: { worker: { connectionString: server, schema: name, ...setting } },
})

/** Gives `use` the tools that enqueue, with the schema in place. */
async function withUtils<T>(place: Place, use: (utils: WorkerUtils) => Promise<T>): Promise<T> {
  const utils = await makeWorkerUtils(optionsOf(place, DEFAULTS))
  await utils.migrate()
  try {
    return await use(utils)
  } finally {
    await utils.release()
  }
}

const fill = (place: Place, tasks: number): Promise<Timed> =>
  withUtils(place, async (utils) => {
    const began = performance.now()
    for (const list of lists(tasks, LIST))
      await utils.addJobs(list.map((n) => ({ identifier: "nothing", payload: inputOf(n) })))
    return { tasks, ms: performance.now() - began }
  })

/** Runs until the table is empty. What a handler returns is stored nowhere: exactness is counted in the handler. */
export async function drainWith(place: Place, { tasks }: DrainAsk, setting: Setting): Promise<Timed> {
  await fill(place, tasks)
  const seen = new Set<number>()
  let count = 0
  let sum = 0
  const began = performance.now()
  await runOnce({
    ...optionsOf(place, setting),
    taskList: {
      nothing: async (payload) => {
        const { n } = payload as { n: number }
        seen.add(n)
        count += 1
        sum += n
      },
    },
  })
  const ms = performance.now() - began
  mustBeExact(tasks, { count, ids: seen.size, sum })
  const sql = postgres(place.server, { max: 1 })
  const [left] = await sql`SELECT count(*) AS count FROM ${sql(place.name)}._private_jobs`
  await sql.end()
  if (left?.count !== "0") throw new Error(`not exact: ${left?.count} jobs are left`)
  return { tasks, ms }
}

const systemWith = (name: string, handlers: string, setting: Setting): System => ({
  about: {
    ...{ name, version: manifest.version, handlers: `the same process, ${handlers}` },
    durability: "fsync before every answer (synchronous_commit=on)",
    results: "not stored: it has none",
  },

  enqueueOne: (place, tasks) =>
    withUtils(place, async (utils) => {
      const began = performance.now()
      for (let n = 0; n < tasks; n++) await utils.addJob("nothing", inputOf(n))
      return { tasks, ms: performance.now() - began }
    }),

  enqueueMany: fill,

  drain: (place, ask) => drainWith(place, ask, setting),
})

export const system: System = systemWith("graphile-worker", "1 at once, its defaults", DEFAULTS)
const BEST = "500 at once, local queue of 2,000, completions in batches"
export const batching: System = systemWith("graphile-worker, batching", BEST, BATCHING)
export const batchingOnNode: System = systemWith("graphile-worker, batching, on Node", BEST, BATCHING)
