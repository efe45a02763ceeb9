import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { open } from "../../src/adapters/memory/driver.ts"
import type { Bucket, Limit } from "../../src/core/task/limit.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { postgresStore } from "../support/postgres-store.ts"
import { redisStore } from "../support/redis-store.ts"
import { sqliteFile } from "../support/sqlite-file.ts"
import type { Subject } from "./against-memory.ts"
import { type Granted, grantedBy, LIMITS, limitStep } from "./limit-steps.ts"

const seed = Number(process.env.STEM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
let walks = 0

/** The most tokens that were granted of a limit in any span that begins with a grant, less what the span allows. */
function excess(limit: Limit & { bucket: Bucket }, grants: readonly Granted[]): number {
  const { everyMs, burst } = limit.bucket
  const instants = grants
    .flatMap(({ limits, at }) => (limits.includes(limit) ? [at] : []))
    .sort((a, b) => a - b)
  let most = Number.NEGATIVE_INFINITY
  for (let from = 0; from < instants.length; from++)
    for (let to = from; to < instants.length; to++) {
      const span = (instants[to] as number) - (instants[from] as number)
      most = Math.max(most, to - from + 1 - (span / everyMs + burst))
    }
  return most
}

async function walk(
  steps: readonly (readonly [typeof limitStep extends fc.Arbitrary<infer S> ? S : never, boolean])[],
  openSubject: (clock: ManualClock) => Promise<Subject>,
): Promise<number> {
  const clock = manualClock()
  const subject = await openSubject(clock)
  const { limits: reference } = await open(`memory:limits-${++walks}`, { namespace: "model", clock })
  const path: string[] = []
  const grants: Granted[] = []
  try {
    for (const [step, second] of steps) {
      path.push(step.name)
      if (step.passes !== undefined) await clock.advance(step.passes)
      const expected = await step.take(reference, clock)
      const answer = await step.take(subject.drivers[second ? 1 : 0].limits, clock)
      expect({ path, answer }).toEqual({ path, answer: expected })
      grants.push(...grantedBy(step, answer))
    }
  } finally {
    await subject.close()
  }
  for (const limit of LIMITS)
    if ("bucket" in limit)
      expect({ path, limit, over: excess(limit, grants) < 1.01 }).toMatchObject({ over: true })
  return grants.length
}

describe(`limits, STEM_TEST_SEED=${seed}`, () => {
  const subjects: [string, number, (clock: ManualClock) => Promise<Subject>][] = [
    [
      "memory",
      200,
      async (clock) => {
        const one = () => open(`memory:limits-${walks}-subject`, { namespace: "model", clock })
        return { drivers: [await one(), await one()] as const, async close() {} }
      },
    ],
    [
      "sqlite",
      60,
      async (clock) => {
        const file = sqliteFile()
        return { drivers: [await file.open(clock), await file.open(clock)] as const, close: file.remove }
      },
    ],
    [
      "redis",
      60,
      async (clock) => {
        const store = redisStore()
        return { drivers: [await store.open(clock), await store.open(clock)] as const, close: store.remove }
      },
    ],
    [
      "postgres",
      40,
      async (clock) => {
        const store = postgresStore()
        return { drivers: [await store.open(clock), await store.open(clock)] as const, close: store.close }
      },
    ],
  ]

  test.each(subjects)(
    "%s grants what memory grants, and never more than the limit in any span, within one token",
    async (_, runs, openSubject) => {
      let granted = 0
      const steps = fc.array(fc.tuple(limitStep, fc.boolean()), { minLength: 40, maxLength: 80, size: "max" })
      await fc.assert(
        fc.asyncProperty(steps, async (taken) => {
          granted += await walk(taken, openSubject)
        }),
        { seed, numRuns: runs },
      )
      expect(granted).toBeGreaterThan(500)
    },
    120_000,
  )
})
