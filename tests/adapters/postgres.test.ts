import { examine } from "../conformance/driver.ts"
import { manualClock } from "../support/manual-clock.ts"
import { postgresStore } from "../support/postgres-store.ts"

examine({
  name: "postgres",
  async open() {
    const clock = manualClock()
    const store = postgresStore()
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
