import { expect, test } from "bun:test"
import type { Isolates } from "../../../src/core/contracts/isolates.ts"
import type { WorkerEvent } from "../../../src/core/observe/events.ts"
import { DEFAULT_RETRY } from "../../../src/core/task/retry.ts"
import type { Settlement } from "../../../src/core/task/verdict.ts"
import { type RunParts, run } from "../../../src/core/worker/run.ts"
import type { Settler } from "../../../src/core/worker/settler.ts"
import { jobOf } from "../../support/job.ts"
import { manualClock } from "../../support/manual-clock.ts"

/** One delivery through `run`, with the time that is left of its lease. */
async function runWith(leftMs: number, answer: "settled" | "stale") {
  const clock = manualClock()
  const settlements: Settlement[] = []
  const events: WorkerEvent["kind"][] = []
  let runs = 0
  const { delivery } = jobOf("t")
  const isolates = {
    specs: () =>
      new Map([
        ["t", { name: "t", queue: "default", priority: 5, timeLimits: {}, retry: DEFAULT_RETRY, source: "" }],
      ]),
    async run() {
      runs += 1
      return { kind: "succeeded", result: 1 }
    },
  } as unknown as Isolates
  run(
    {
      ...{ isolates, clock, leases: new Map(), worker: "w" },
      ...{ freed() {}, settled() {}, emit: ({ kind }) => events.push(kind) },
      settler: {
        put(settlement, answered) {
          settlements.push(settlement)
          answered(answer)
        },
      } as Settler,
      free() {},
      // What a plain task has nothing to do with.
      ...({} as Pick<RunParts, "groups" | "store" | "children" | "stop">),
    },
    { delivery, renewedAt: clock.monotonic(), trustedUntil: clock.monotonic() + leftMs },
  )
  await clock.advance(0)
  return { runs, events, verdict: settlements[0]?.verdict.kind }
}

test("what arrives after its lease can be trusted is not begun: it goes back at no cost, unless another has it", async () => {
  expect(await runWith(1, "settled")).toEqual({
    runs: 1,
    events: ["started", "succeeded"],
    verdict: "ack",
  })
  expect(await runWith(0, "settled")).toEqual({ runs: 0, events: ["released"], verdict: "release" })
  expect(await runWith(-500, "stale")).toEqual({ runs: 0, events: ["lease_lost"], verdict: "release" })
})
