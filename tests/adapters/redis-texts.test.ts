import { expect, test } from "bun:test"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { redisStore } from "../support/redis-store.ts"
import { settlementsBy } from "../support/settlements.ts"

const task = tasksBy(systemClock)
const say = settlementsBy(systemClock)

test("texts of many bytes a character arrive whole in large batches, alone and among others", async () => {
  const store = redisStore()
  try {
    const { broker, results } = await store.open(systemClock)
    for (const odd of ["ü", "漢字 and more", "😀", "\u0000\r\n$3\r\n", "plain"]) {
      const ids = Array.from({ length: 60 }, (_, n) => `${odd.length}-${odd.charCodeAt(0)}-${n}`)
      const inputs = ids.map((id, n) => (n % 20 === 7 ? `${odd}${id}` : id))
      await broker.enqueue(ids.map((id, n) => ({ ...task(id), input: inputs[n] })))
      const { deliveries } = await broker.reserve({
        queues: ["default"],
        max: 500,
        holder: "w",
        leaseMs: 60_000,
      })
      expect(deliveries.map(({ envelope }) => envelope.input)).toEqual(inputs)
      const ends = deliveries.map((one) => {
        const end = say.success(one)
        return { ...end, status: { ...end.status, result: one.envelope.input } }
      })
      expect(await broker.settle(ends as never)).toEqual(ids.map(() => "settled"))
      expect((await results.get(ids)).map((status) => status?.result)).toEqual(inputs)
    }
  } finally {
    await store.remove()
  }
})
