import { open } from "../../src/adapters/memory/driver.ts"
import { splitResults } from "../../src/core/client/split-results.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Clock } from "../../src/core/kit/clock.ts"
import { examine } from "../conformance/driver.ts"
import { manualClock } from "../support/manual-clock.ts"

let stores = 0

/** Tasks in one store, ended ones in another, and one driver over both. */
async function openSplit(name: string, clock: Clock): Promise<Driver> {
  const here = await open(`memory:${name}-tasks`, { namespace: "exam", clock })
  const there = await open(`memory:${name}-results`, { namespace: "exam", clock })
  return {
    ...here,
    ...splitResults(here, there),
    async close() {
      await Promise.all([here.close(), there.close()])
    },
  }
}

examine({
  name: "two stores",
  async open() {
    const clock = manualClock()
    const name = `split-${++stores}`
    const again = () => openSplit(name, clock)
    return {
      driver: await again(),
      clock,
      advance: clock.advance,
      again,
      async damage() {},
      async close() {},
    }
  },
  cannot: [
    {
      reason: "no text is stored that could be damaged",
      tests: [
        "a stored task that can not be read is buried at once, kept raw",
        "JSON that is no envelope is buried like text that is no JSON",
        "a member that can not be read any more breaks its group, where its place can",
      ],
    },
  ],
})
