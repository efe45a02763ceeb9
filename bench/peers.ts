/** `npm run bench:peers`: Stem and its peers on the same machine and servers, in turns. */
import { BARE, type Contestant, stemOn } from "./contestants.ts"
import { drain } from "./measures/drain.ts"
import { enqueue } from "./measures/enqueue.ts"
import type { StoreName } from "./places.ts"
import { type Programme, runBench } from "./run.ts"
import { system as bullmq, onNode as bullmqOnNode } from "./systems/bullmq.ts"
import { system as buffered, durable } from "./systems/bunqueue.ts"
import { batching, batchingOnNode, system as graphile } from "./systems/graphile.ts"
import type { System } from "./systems/system.ts"

interface Peer {
  readonly who: Contestant
  /** How many times as fast Stem's drain is to be. */
  readonly atLeast: number
}

/** A share so that each is busy for some seconds. */
const peer = (system: System, module: string, as: string, share: number): Contestant => ({
  ...{ about: system.about, module: `systems/${module}`, as, share },
})
const onNode = (who: Contestant): Contestant => ({ ...who, runtime: "node" })

const PEERS: Record<StoreName, readonly Peer[]> = {
  sqlite: [
    { who: peer(durable, "bunqueue.ts", "durable", 1 / 20), atLeast: 10 },
    { who: peer(buffered, "bunqueue.ts", "system", 1 / 20), atLeast: 10 },
  ],
  redis: [
    { who: peer(bullmq, "bullmq.ts", "system", 1 / 4), atLeast: 4 },
    { who: onNode(peer(bullmqOnNode, "bullmq.ts", "onNode", 1 / 4)), atLeast: 4 },
  ],
  postgres: [
    { who: peer(batching, "graphile.ts", "batching", 1 / 2), atLeast: 1.3 },
    { who: onNode(peer(batchingOnNode, "graphile.ts", "batchingOnNode", 1 / 2)), atLeast: 1.3 },
    { who: peer(graphile, "graphile.ts", "system", 1 / 40), atLeast: 8 },
  ],
}

function programmeOn(store: StoreName): Programme {
  const [stem, bare, peers] = [stemOn(store), BARE[store], PEERS[store]]
  const others = peers.map(({ who }) => who)
  return {
    measures: {
      enqueue: enqueue([stem, bare, ...others]),
      drain: drain(stem, [{ who: bare, atLeast: 0.5 }, ...peers]),
    },
    systems: [stem, bare, ...others].map(({ about }) => about),
  }
}

await runBench(
  { sqlite: programmeOn("sqlite"), redis: programmeOn("redis"), postgres: programmeOn("postgres") },
  ["sqlite", "redis", "postgres"],
)
