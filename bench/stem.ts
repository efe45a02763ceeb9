/** `npm run bench`: Stem's own numbers on the embedded store. */
import { BARE, STEM } from "./contestants.ts"
import { backlog } from "./measures/backlog.ts"
import { drain } from "./measures/drain.ts"
import { enqueue } from "./measures/enqueue.ts"
import { idle } from "./measures/idle.ts"
import { memory } from "./measures/memory.ts"
import { pickup } from "./measures/pickup.ts"
import { start } from "./measures/start.ts"
import { runBench } from "./run.ts"

await runBench(
  {
    enqueue: enqueue([STEM, BARE]),
    drain: drain([{ who: BARE, atLeast: 0.5 }]),
    pickup,
    start,
    backlog,
    memory,
    idle,
  },
  [STEM.about, BARE.about],
)
