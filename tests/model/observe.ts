import type { Driver } from "../../src/core/contracts/driver.ts"

/** Everything anybody can see of a store. */
export async function observe({ inspector, results, workers, groups }: Driver) {
  const known = (await groups?.list(1000)) ?? []
  return {
    queues: await inspector.queues(),
    ended: await inspector.ended(),
    live: await inspector.list({ limit: 1000 }),
    waiting: await inspector.list({ limit: 2, states: ["queued", "scheduled", "retrying"], queue: "x" }),
    statuses: await results.list({ limit: 1000 }),
    failed: await results.list({ limit: 2, states: ["failed"], task: "t1" }),
    dead: await inspector.deadLetters.list({ limit: 1000 }),
    sought: await inspector.deadLetters.count({ error: "DIED", queue: "x" }),
    workers: await workers.list(),
    groups: known,
    arrivals: await Promise.all(known.map(({ id }) => groups?.arrivals(id, 0, 1000))),
  }
}
