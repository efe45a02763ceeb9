import { expect } from "bun:test"
import fc from "fast-check"
import { open } from "../../src/adapters/memory/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { FLOW_STEPS } from "./flow-steps.ts"
import { observe } from "./observe.ts"
import { STEPS, type Walker } from "./steps.ts"

/** A store under test, opened twice as two processes would; steps go through either. */
export interface Subject {
  readonly drivers: readonly [Driver, Driver]
  close(): Promise<void>
}

let walks = 0

/** A failure is made smaller for so long at most, and then told as it is. */
const SHRINK_MS = 100_000

const NOTHING = { steps: 0, deliveries: 0, stale: 0, replaced: 0, joined: 0 }

const countOf = (text: string, answer: unknown) => JSON.stringify(answer ?? null).split(text).length - 1

/** An answer as people see it: without what a store tells itself in a lease. */
const seenBy = (answer: unknown): unknown =>
  answer === undefined
    ? undefined
    : JSON.parse(
        JSON.stringify(answer, (key, value) => (key === "reservation" || key === "seq" ? undefined : value)),
      )

/**
 * Walks at random through the operations, on the store and on memory alike: after each step the answers and
 * everything that can be seen must be the same. Repeat a failure with STEM_TEST_SEED.
 */
export async function walkAgainstMemory(
  name: string,
  openSubject: (clock: ManualClock) => Promise<Subject>,
  size: { runs: number; steps: number },
): Promise<typeof NOTHING> {
  const seed = Number(process.env.STEM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${name} against memory: STEM_TEST_SEED=${seed}`)
  const seen = { ...NOTHING }
  const step = fc.oneof(...STEPS, ...FLOW_STEPS)

  const walk = fc.asyncProperty(
    fc.array(fc.tuple(step, fc.boolean()), { minLength: size.steps / 2, maxLength: size.steps, size: "max" }),
    async (steps) => {
      const clock = manualClock()
      const subject = await openSubject(clock)
      const reference = await open(`memory:model-${++walks}`, { namespace: "model", clock })
      const walkers: readonly [Walker, Walker] = [
        { clock, hands: [] },
        { clock, hands: [] },
      ]
      const path: string[] = []
      try {
        for (const [{ name, take, passes }, second] of steps) {
          path.push(name)
          if (passes !== undefined) await clock.advance(passes)
          const expected = await take(reference, walkers[0])
          const answer = await take(subject.drivers[second ? 1 : 0], walkers[1])
          expect({ path, answer: seenBy(answer) }).toEqual({ path, answer: seenBy(expected) })
          expect({ path, ...(await observe(subject.drivers[0])) }).toEqual({
            path,
            ...(await observe(reference)),
          })
          seen.steps += 1
          seen.stale += countOf('"stale"', answer)
          seen.replaced += countOf('"replaced"', answer)
        }
        seen.deliveries += walkers[1].hands.length
        seen.joined += countOf('"endedAt"', await reference.groups?.list(1000))
      } finally {
        await subject.close()
      }
    },
  )
  await fc.assert(walk, { seed, numRuns: size.runs, interruptAfterTimeLimit: SHRINK_MS })
  return seen
}
