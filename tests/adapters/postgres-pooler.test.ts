import { expect, test } from "bun:test"
import { SERVICES } from "../../scripts/services/plan.ts"
import { examine } from "../conformance/driver.ts"
import { manualClock } from "../support/manual-clock.ts"
import { postgresStore } from "../support/postgres-store.ts"

/** pgbouncer in transaction mode: another session may answer each transaction, and none can listen. */
const POOLER_URL = process.env.STEM_TEST_PGBOUNCER_URL || SERVICES.pgbouncer.url

examine({
  name: "postgres behind a transaction pooler",
  async open() {
    const clock = manualClock()
    const store = postgresStore(POOLER_URL)
    const again = () => store.open(clock)
    const driver = await again()
    const damage = async (id: string, text: string) => {
      const task = "ns = (SELECT ns FROM stem.namespaces WHERE name = $1) AND id = $2"
      await store.behind(`UPDATE stem.tasks SET envelope = $3 WHERE ${task}`, [store.namespace, id, text])
    }
    return {
      ...{ driver, clock, again, damage },
      ...{ advance: (ms) => store.advance(clock, ms), close: store.close },
    }
  },
})

test("a pooler is noticed, and doctor says what it costs", async () => {
  const store = postgresStore(POOLER_URL)
  const driver = await store.open(manualClock())
  expect(await driver.checkup()).toContainEqual(
    expect.objectContaining({ level: "warning", subject: "pooler", fix: expect.any(String) }),
  )
  await store.close()
})
