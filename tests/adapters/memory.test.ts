import { open } from "../../src/adapters/memory/driver.ts"
import { examine } from "../conformance/driver.ts"
import { manualClock } from "../support/manual-clock.ts"

let stores = 0

examine({
  name: "memory",
  async open() {
    const clock = manualClock()
    const url = `memory:exam-${++stores}`
    const again = () => open(url, { namespace: "exam", clock })
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
