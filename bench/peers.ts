/** `npm run bench:peers`: Stem and its peers on the same machine, in turns. */
import { BARE, type Contestant, STEM } from "./contestants.ts"
import { drain } from "./measures/drain.ts"
import { enqueue } from "./measures/enqueue.ts"
import { runBench } from "./run.ts"
import { system as buffered, durable } from "./systems/bunqueue.ts"

/** It drains a few thousand tasks a second: so both are busy for some seconds. */
const SHARE = 1 / 20
const module = "systems/bunqueue.ts"
const BUFFERED: Contestant = { about: buffered.about, module, as: "system", share: SHARE }
const DURABLE: Contestant = { about: durable.about, module, as: "durable", share: SHARE }

await runBench(
  {
    enqueue: enqueue([STEM, BARE, DURABLE, BUFFERED]),
    drain: drain([
      { who: BARE, atLeast: 0.5 },
      { who: DURABLE, atLeast: 10 },
      { who: BUFFERED, atLeast: 10 },
    ]),
  },
  [STEM, BARE, DURABLE, BUFFERED].map(({ about }) => about),
)
