import { randomUUID } from "node:crypto"
import postgres from "postgres"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver, DriverOptions } from "../../src/core/contracts/driver.ts"
import type { Millis } from "../../src/core/kit/clock.ts"
import type { ManualClock } from "./manual-clock.ts"

/** The server of the tests. One that is not there fails them. */
export const POSTGRES_URL =
  process.env.STEM_TEST_POSTGRES_URL || "postgresql://postgres:postgres@127.0.0.1:65432/stem_test"

/** A namespace of its own for one test. */
export interface PostgresStore {
  readonly namespace: string
  open(clock: DriverOptions["clock"]): Promise<Driver>
  /** Moves the clock, once everything that is on its way has arrived, and lets what follows from it arrive. */
  advance(clock: ManualClock, ms: Millis): Promise<void>
  /** Does something behind the store's back. */
  behind<Row>(text: string, values?: readonly (string | number)[]): Promise<readonly Row[]>
  /** Closes what is open. */
  close(): Promise<void>
}

export function postgresStore(url = POSTGRES_URL): PostgresStore {
  const namespace = `test-${randomUUID()}`
  const drivers: Driver[] = []

  // What was sent before a ping is answered before it; and a notification is on its way before its commit is answered.
  const arrived = async () => {
    for (let round = 0; round < 3; round++)
      await Promise.all(drivers.map((driver) => driver.ping().catch(() => {})))
  }

  return {
    namespace,
    async open(clock) {
      const driver = await open(url, { namespace, clock })
      drivers.push(driver)
      return driver
    },
    async advance(clock, ms) {
      await arrived()
      await clock.advance(ms)
      await arrived()
    },
    async behind<Row>(text: string, values: readonly (string | number)[] = []) {
      const sql = postgres(url, { max: 1, prepare: false })
      try {
        return (await sql.unsafe(text, [...values])) as unknown as readonly Row[]
      } finally {
        await sql.end()
      }
    },
    async close() {
      await Promise.all(drivers.map((driver) => driver.close()))
    },
  }
}
