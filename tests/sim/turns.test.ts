import { expect, test } from "bun:test"
import { open } from "../../src/adapters/memory/driver.ts"
import { tasksBy } from "../support/envelopes.ts"
import { manualClock } from "../support/manual-clock.ts"
import { seededRandom } from "../support/random.ts"

const SEEDS = Number(process.env.STEM_SIM_SEEDS ?? 300)
const KEYS = ["a", "b", "c", "d", "e"]
const STEPS = 150

/** What one key has seen since its last turn, or since it began to wait. */
interface Waiting {
  tasks: number
  readonly others: Map<string, number>
}

test(`no key starves: between two of its turns another has as many as its weight is greater, and one: ${SEEDS} seeds`, async () => {
  let turns = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed)
    const pick = (below: number) => Math.floor(random() * below)
    const clock = manualClock({ seed })
    const task = tasksBy(clock)
    const { broker } = await open(`memory:turns-${seed}`, { namespace: "sim", clock })
    const weights = new Map(KEYS.map((key) => [key, 1 + pick(4)]))
    const waiting = new Map<string, Waiting>()
    let sent = 0
    for (let n = 0; n < STEPS; n++) {
      const key = KEYS[pick(KEYS.length)] as string
      if (pick(2) === 0) {
        // Now and then a backlog.
        const count = pick(10) === 0 ? 30 : 1 + pick(2)
        const fair = { key, weight: weights.get(key) }
        await broker.enqueue(
          Array.from({ length: count }, () => task(`${key}-${sent++}`, { more: { fair } })),
        )
        const known = waiting.get(key)
        if (known) known.tasks += count
        else waiting.set(key, { tasks: count, others: new Map() })
      } else {
        const ask = { queues: ["default"], max: 1 + pick(3), holder: "w", leaseMs: 1e9 }
        for (const { envelope } of (await broker.reserve(ask)).deliveries) {
          turns++
          const served = envelope.fair?.key as string
          for (const [other, { others }] of waiting) {
            if (other === served) continue
            const seen = (others.get(served) ?? 0) + 1
            others.set(served, seen)
            const most = Math.ceil((weights.get(served) as number) / (weights.get(other) as number)) + 1
            expect({ seed, other, served, seen: Math.min(seen, most) }).toEqual({ seed, other, served, seen })
          }
          const own = waiting.get(served) as Waiting
          own.tasks -= 1
          own.others.clear()
          if (own.tasks === 0) waiting.delete(served)
        }
      }
    }
  }
  console.log(`${SEEDS} seeds: ${turns} turns, none out of turn`)
}, 120_000)
