/** A process that takes and settles until nothing is left, and says what it took: `bun postgres-taker.ts URL NAMESPACE`. */
import { open } from "../../src/adapters/postgres/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { settlementsBy } from "./settlements.ts"

const [url = "", namespace = ""] = process.argv.slice(2)
const driver = await open(url, { namespace, clock: systemClock })
const say = settlementsBy(systemClock)
const taken: string[] = []
while (true) {
  const ask = { queues: ["default"], max: 20, holder: `process-${process.pid}`, leaseMs: 60_000 }
  const { deliveries } = await driver.broker.reserve(ask)
  if (deliveries.length === 0) break
  taken.push(...deliveries.map(({ envelope }) => envelope.id))
  await driver.broker.settle(deliveries.map((delivery) => say.success(delivery)))
}
await driver.close()
console.log(JSON.stringify(taken))
