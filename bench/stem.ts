/** `npm run bench`: Stem's own numbers, on the embedded store unless `--store` names others. */
import { BARE, stemOn } from "./contestants.ts"
import { backlog } from "./measures/backlog.ts"
import { drain } from "./measures/drain.ts"
import { enqueue } from "./measures/enqueue.ts"
import { events } from "./measures/events.ts"
import { flows } from "./measures/flows.ts"
import { idle } from "./measures/idle.ts"
import { limits } from "./measures/limits.ts"
import { memory } from "./measures/memory.ts"
import { pickup } from "./measures/pickup.ts"
import { start } from "./measures/start.ts"
import { workers } from "./measures/workers.ts"
import type { StoreName } from "./places.ts"
import { type Programme, runBench } from "./run.ts"

function programmeOn(store: StoreName): Programme {
  const [stem, bare] = [stemOn(store), BARE[store]]
  return {
    measures: {
      enqueue: enqueue([stem, bare]),
      drain: drain(stem, [{ who: bare, atLeast: 0.5 }]),
      ...{ flows, pickup, start, workers, limits, events, backlog, memory, idle },
    },
    systems: [stem.about, bare.about],
  }
}

await runBench(
  { sqlite: programmeOn("sqlite"), redis: programmeOn("redis"), postgres: programmeOn("postgres") },
  ["sqlite"],
)
