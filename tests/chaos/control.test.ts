import { afterEach, describe, expect, test } from "bun:test"
import type { Order } from "../../src/core/contracts/workers.ts"
import { addressed, command } from "../../src/core/control/command.ts"
import { clientOf, openStores } from "../../src/stem.ts"
import { fact, openScene, type Scene, STORES } from "./scene.ts"
import { type StoreServer, startServer } from "./servers.ts"

let scene: Scene | undefined
afterEach(async () => {
  await scene?.close()
  scene = undefined
})

const tell = async ({ stores: { workers: registry, clock } }: Scene, order: Order, timeout = 5000) =>
  command({ registry, clock }, order, addressed(await registry.list(), []).meant, timeout)

/** A worker is ready a moment before it has shown itself. */
const present = ({ stores }: Scene, count: number) =>
  fact(async () => (await stores.workers.list()).length === count, 10_000, "all workers show themselves")

describe.each(STORES)("workers on %s", (store) => {
  test("Three workers answer a ping, and a cancel stops a task in any of them, also a busy one", async () => {
    const here = await openScene(store)
    scene = here
    const names = ["one", "two", "three"]
    for (const name of names) await here.worker("--name", name, "--isolates", "1", "--concurrency", "1")
    await present(here, 3)
    const began = Date.now()
    const { answered, silent } = await tell(here, { kind: "ping" })
    expect(answered.map(({ name }) => name).sort()).toEqual([...names].sort())
    expect(silent).toEqual([])
    // Hearing is a matter of a quarter of a second; a busy machine is allowed some more.
    expect(Date.now() - began).toBeLessThan(2500)

    // One task in each: two compute without end, one waits.
    const ids = [
      ...(await here.enqueue("busy", 2, { ms: 120_000 })),
      ...(await here.enqueue("patient", 1, { ms: 120_000 })),
    ]
    await fact(() => here.journal().length === 3, 10_000, "each worker runs a task")
    await here.client.cancel(ids, { terminate: true })
    const replies = await tell(here, { kind: "cancel", ids, terminate: true })
    expect(replies.answered.map(({ message }) => message.startsWith("asked to stop: "))).toEqual([
      true,
      true,
      true,
    ])
    const statuses = await here.ended(ids, 10_000)
    expect(statuses.map(({ state }) => state)).toEqual(["cancelled", "cancelled", "cancelled"])
    expect((await tell(here, { kind: "ping" })).silent).toEqual([])
  }, 60_000)

  test("A frozen worker is named, and looking at it does not hang", async () => {
    const here = await openScene(store)
    scene = here
    const frozen = await here.worker("--name", "frozen", "--isolates", "1")
    await here.worker("--name", "well", "--isolates", "1")
    await present(here, 2)
    // One that is frozen while it holds the lock of an sqlite file holds up everybody; that is another story.
    const writable = () =>
      Promise.race([here.stores.inspector.pause("probe").then(() => true), Bun.sleep(1000).then(() => false)])
    for (frozen.kill("SIGSTOP"); !(await writable()); frozen.kill("SIGSTOP")) {
      frozen.kill("SIGCONT")
      await Bun.sleep(50)
    }
    const { answered, silent } = await tell(here, { kind: "ping" }, 1500)
    expect([answered.map(({ name }) => name), silent.map(({ name }) => name)]).toEqual([["well"], ["frozen"]])
    const began = Date.now()
    expect((await here.stores.workers.list()).map(({ name }) => name)).toEqual(["frozen", "well"])
    expect(Date.now() - began).toBeLessThan(2000)
    frozen.kill("SIGCONT")
    await fact(
      async () => (await tell(here, { kind: "ping" }, 500)).silent.length === 0,
      10_000,
      "it answers again",
    )
  }, 60_000)
})

describe.each(["redis", "postgres"] as const)("a restarted %s", (store) => {
  let server: StoreServer
  afterEach(() => server.close())

  test("Paused queues and cancelled tasks are what they were after the store was killed and restarted", async () => {
    server = await startServer(store)
    const config = { broker: server.urlAt(server.port), namespace: "kept" }
    const before = await openStores(config)
    const ask = { queues: ["default", "other"], max: 5, holder: "w", leaseMs: 60_000 }
    const { id } = await clientOf(before).enqueue("t")
    const [delivery] = (await before.broker.reserve(ask)).deliveries
    await before.inspector.pause("default")
    await before.inspector.pause("other")
    await before.inspector.resume("other")
    expect(await before.broker.cancel([id], { terminate: true })).toMatchObject([{ kind: "asked" }])
    await server.kill()
    await before.close()
    await server.start()
    const after = await openStores(config)
    try {
      await clientOf(after).enqueue("t")
      await clientOf(after).enqueue("t", 1, { queue: "other" })
      const { deliveries } = await after.broker.reserve(ask)
      expect(deliveries.map(({ envelope }) => envelope.queue)).toEqual(["other"])
      const lease = delivery?.lease as NonNullable<typeof delivery>["lease"]
      expect(await after.broker.renew([{ lease }], 60_000)).toMatchObject([
        { kind: "held", cancel: "terminate" },
      ])
    } finally {
      await after.close()
    }
  }, 60_000)
})
