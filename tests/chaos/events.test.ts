import { afterEach, describe, expect, test } from "bun:test"
import { clientOf, openStores, type Stores } from "../../src/stem.ts"
import { fact } from "./scene.ts"
import { type StoreServer, startServer } from "./servers.ts"

let server: StoreServer
let open: Stores[] = []
afterEach(async () => {
  await Promise.all(open.map((stores) => stores.close()))
  open = []
  await server.close()
})

describe.each(["redis", "postgres"] as const)("events on %s", (store) => {
  test("A follower survives its store's restart without a gap", async () => {
    server = await startServer(store)
    const config = { broker: server.urlAt(server.port), namespace: "events" }
    const [here, there] = [await openStores(config), await openStores(config)]
    open = [here, there]
    const stop = new AbortController()
    const seen: string[] = []
    const gaps: unknown[] = []
    const following = (async () => {
      for await (const event of clientOf(there).events({ from: "oldest", signal: stop.signal })) {
        if (event.kind === "gap") gaps.push(event)
        else if (event.kind === "enqueued") seen.push(event.id as string)
      }
    })()
    const sent: string[] = []
    const send = async (count: number) => {
      for (let at = 0; at < count; at++) sent.push((await clientOf(here).enqueue("t")).id)
    }
    await send(20)
    await fact(() => seen.length === 20, 10_000, "the follower hears of the first tasks")
    await server.kill()
    await Bun.sleep(1500)
    await server.start()
    const back = Date.now()
    await fact(
      () =>
        here.broker.wait(["none"], 0, AbortSignal.abort()).then(() =>
          clientOf(here)
            .enqueue("back")
            .then(
              () => true,
              () => false,
            ),
        ),
      15_000,
      "the store takes tasks again",
    )
    await send(20)
    await fact(() => seen.filter((id) => sent.includes(id)).length >= 40, 15_000, "the follower goes on")
    expect(Date.now() - back).toBeLessThan(15_000)
    stop.abort()
    await following
    const mine = seen.filter((id) => sent.includes(id))
    expect([...new Set(mine)]).toEqual(sent)
    expect(gaps).toEqual([])
  }, 60_000)
})
