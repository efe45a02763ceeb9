import { expect, test } from "bun:test"
import { tellService } from "../../src/commands/worker/service.ts"
import { DEFAULT_RETENTION } from "../../src/core/config/config.ts"
import { serviceManager } from "../../src/runtime/systemd.ts"
import { openStores, startWorker } from "../../src/stem.ts"
import { moduleFolder } from "../support/module-folder.ts"
import { openNotifySocket } from "../support/notify-socket.ts"
import { every, putOf } from "../support/schedules.ts"

/** Longer than an idle worker's poll, shorter than it takes to be bored. */
const WATCHDOG_MS = 6000

/** A schedule store whose claims can be made to hang; Beat and nothing else of a worker calls them. */
async function storesThatHang() {
  const stores = await openStores({ broker: `memory:watchdog-${crypto.randomUUID()}`, namespace: "n" })
  await stores.schedules.put([putOf(every("tick", 500), Date.now())])
  let held: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  let claims = 0
  const schedules = Object.assign(Object.create(stores.schedules), {
    async claim(ask: Parameters<typeof stores.schedules.claim>[0]) {
      claims += 1
      await held?.promise
      return stores.schedules.claim(ask)
    },
  })
  return {
    stores: { ...stores, schedules } as typeof stores,
    claims: () => claims,
    hang: () => {
      held = Promise.withResolvers<void>()
    },
    goOn: () => {
      held?.resolve()
      held = undefined
    },
  }
}

test("a worker whose Beat stands still does not answer the watchdog, whatever else of it goes on", async () => {
  using folder = moduleFolder({})
  using socket = openNotifySocket(folder.file("notify"))
  const { stores, hang, goOn, claims } = await storesThatHang()
  const worker = await startWorker(stores, {
    ...{ broker: "", results: "", schedules: "", namespace: "n", log: { level: "info", format: "json" } },
    retention: DEFAULT_RETENTION,
    worker: {
      ...{ modules: [], queues: [], concurrency: 1, isolates: 1, isolatesMost: 1, isolation: "process" },
      ...{ leaseMs: 5000, graceMs: 1000, name: "w", maxTasks: 0, maxRssBytes: 0, beat: true, drain: false },
      ...{ shell: true, shellAllow: [] },
    },
  })
  const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(WATCHDOG_MS * 1000) }
  tellService(serviceManager(env), worker)
  const answers = () => socket.lines.filter((line) => line === "WATCHDOG=1").length
  try {
    await socket.heard("WATCHDOG=1", 2)
    const seen = claims()
    hang()
    while (claims() === seen) await Bun.sleep(5)
    // The last turn of the loop is its progress for one interval; then there is silence.
    await Bun.sleep(WATCHDOG_MS + 100)
    const before = answers()
    await Bun.sleep(WATCHDOG_MS / 2)
    expect(answers()).toBe(before)
    // Nothing but Beat stood still, so nothing but Beat has to go on.
    goOn()
    await socket.heard("WATCHDOG=1", before + 1)
  } finally {
    goOn()
    worker.drain()
    await worker.done
    await stores.close()
  }
}, 30_000)
