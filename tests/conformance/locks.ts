import { expect } from "bun:test"
import type { Lease } from "../../src/core/task/lease.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"

/** Every promise of contracts/locks.ts. */
export const lockQuestions: Questions = {
  "one of many gets the lock, in whichever opening of the store": async (desk) => {
    const other = await desk.again()
    const answers = await Promise.all(
      [desk.driver, other, desk.driver, other].map(({ locks }, n) => locks.acquire("l", `h${n}`, 1000)),
    )
    expect(answers.filter((lease) => lease !== undefined)).toHaveLength(1)
    expect(answers.find((lease) => lease)).toMatchObject({
      id: "l",
      expiresAt: desk.clock.now() + 1000,
      token: expect.any(Number),
    })
  },

  "a lock that has run out is another's, and its token grows": async ({ driver: { locks }, advance }) => {
    const first = (await locks.acquire("l", "a", 1000)) as Lease
    await advance(999)
    expect(await locks.acquire("l", "b", 1000)).toBeUndefined()
    await advance(1)
    const second = (await locks.acquire("l", "b", 1000)) as Lease
    expect(second.holder).toBe("b")
    expect(second.token).toBeGreaterThan(first.token)
    expect(await locks.renew(first, 1000)).toBeFalse()
    expect(await locks.release(first)).toBeFalse()
    expect(await locks.acquire("l", "c", 1000)).toBeUndefined()
  },

  "a lock lives as long as it is renewed": async ({ driver: { locks }, advance }) => {
    const lease = (await locks.acquire("l", "a", 1000)) as Lease
    for (let n = 0; n < 5; n++) {
      await advance(900)
      expect(await locks.renew(lease, 1000)).toBeTrue()
    }
    expect(await locks.acquire("l", "b", 1000)).toBeUndefined()
    await advance(1000)
    expect(await locks.renew(lease, 1000)).toBeFalse()
  },

  "a lock that is given back is free at once, and its token grows": async ({ driver: { locks } }) => {
    const first = (await locks.acquire("l", "a", 60_000)) as Lease
    expect(await locks.release(first)).toBeTrue()
    expect(await locks.release(first)).toBeFalse()
    const second = (await locks.acquire("l", "a", 60_000)) as Lease
    expect(second.token).toBeGreaterThan(first.token)
  },

  "locks of other names are others": async ({ driver: { locks } }) => {
    expect(await locks.acquire("a", "h", 1000)).toBeDefined()
    expect(await locks.acquire("b", "h", 1000)).toBeDefined()
  },
}

/** Every promise of contracts/locks.ts. */
export const examineLocks = (candidate: Candidate): void => ask(candidate, "locks", lockQuestions)
