import { describe, expect, test } from "bun:test"
import { type LaidOut, layOut } from "../../src/core/canvas/lay-out.ts"
import { makeEnvelope } from "../../src/core/client/envelope.ts"
import type { Flow } from "../../src/core/task/flow.ts"
import { seededRandom } from "../support/random.ts"
import { type Cluster, cluster } from "./cluster.ts"
import { checkFlow } from "./flow-check.ts"
import { randomFlow } from "./random-flow.ts"

const SEEDS = Number(process.env.STEM_SIM_FLOW_SEEDS ?? 10_000)
const FIRST = Number(process.env.STEM_SIM_SEED ?? 1)

/** Sends a flow as a client does: members first, then the groups. */
async function send({ store, clock }: Cluster, flow: Flow, id: string): Promise<LaidOut> {
  const laid = layOut(flow, { id, now: clock.now() }, ({ task, input }, options) =>
    makeEnvelope(clock, { task: task as string, input, options }),
  )
  await store.broker.enqueue(laid.envelopes)
  if (laid.groups.length > 0) await store.broker.enqueue([], laid.groups)
  return laid
}

const over = async ({ store }: Cluster) => (await store.inspector.list({ limit: 1 })).length === 0

/** Two workers, a random flow, a few faults, then peace until nothing is left to do. */
async function storm(seed: number): Promise<{ world: Cluster; flow: Flow }> {
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const world = await cluster(seed)
  const flow = randomFlow(pick)
  await world.boot({ concurrency: 1 + pick(4) })
  await world.boot({ concurrency: 1 + pick(4) })
  await send(world, flow, "f")
  for (let n = 0; n < 3 && !(await over(world)); n++) {
    await world.clock.advance(pick(1500))
    const node = world.nodes[pick(world.nodes.length)]
    if (!node || node.machine.dead()) continue
    const fault = pick(6)
    if (fault === 0) {
      node.machine.kill()
      await world.boot()
    } else if (fault === 1) node.machine.pause()
    else if (fault === 2) node.machine.cut("before")
    else if (fault === 3) node.machine.cut("after")
  }
  for (const { machine } of world.nodes) {
    machine.cut("no")
    machine.resume()
  }
  for (let n = 0; n < 500 && !(await over(world)); n++) await world.clock.advance(5000)
  return { world, flow }
}

describe("flows under faults", () => {
  test("of each group body or broken is sent once, no member is lost, every input is right", async () => {
    const total = { tasks: 0, groups: 0, kills: 0 }
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const { world, flow } = await storm(seed)
      const told = `seed ${seed}`
      expect({ told, left: await world.store.inspector.list({ limit: 10 }) }).toEqual({ told, left: [] })
      const { tasks, groups } = await checkFlow(world.store, flow, "f", told)
      total.tasks += tasks
      total.groups += groups
      total.kills += world.nodes.filter(({ machine }) => machine.dead()).length
      expect({ told, swept: await world.store.groups.sweep(1000) }).toEqual({ told, swept: [] })
      for (const { machine } of world.nodes) machine.kill()
    }
    console.log(
      `${SEEDS} flows from seed ${FIRST}: ${total.tasks} tasks, ${total.groups} groups, ${total.kills} workers killed`,
    )
  }, 600_000)
})
