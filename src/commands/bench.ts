import { maskUrl } from "../core/config/mask.ts"
import { uuidv7 } from "../core/kit/id.ts"
import { openStores } from "../stem.ts"
import { measureDrain } from "./bench/drain.ts"
import { measureEnqueue } from "./bench/enqueue.ts"
import { writeModule } from "./bench/module.ts"
import { measurePickup } from "./bench/pickup.ts"
import { removeAll } from "./bench/remove.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "./shell/flags.ts"
import { showOne } from "./shell/output.ts"
import { configured } from "./shell/stores.ts"
import { renderFields } from "./shell/table.ts"
import { wholeFlag } from "./shell/times.ts"

/** A task that does nothing is over at once; what is measured is the store, so it gets batches worth the name. */
const CONCURRENCY = 256

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem bench", "how fast this store is on this machine"],
    ["stem bench --tasks 100000 --concurrency 64 -o json", "more of it, for programs"],
  ],
  notes: "It works in a namespace of its own, which it empties at the end.",
  flags: {
    tasks: { kind: "value", hint: "N", about: "how many tasks (default: 10000)" },
    concurrency: { kind: "value", hint: "N", about: "tasks at once (default: 256)" },
    isolates: { kind: "value", hint: "N", about: "child processes that run tasks (default: the cores)" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, shell }) {
    const tasks = wholeFlag("--tasks", flags.tasks, 1, 10_000_000) ?? 10_000
    const { config, values } = await configured(shell, flags)
    const said = values.find(({ key }) => key === "worker.concurrency")?.source !== "default"
    const concurrency = said ? config.worker.concurrency : CONCURRENCY
    const namespace = `bench-${uuidv7({ now: Date.now, random: Math.random })}`
    const module = await writeModule()
    const stores = await openStores({ ...config, namespace })
    try {
      const own = {
        ...config,
        namespace,
        worker: { ...config.worker, concurrency, modules: [module.path], queues: [] },
      }
      shell.talk.info(`enqueuing ${tasks} tasks`)
      const enqueuePerSecond = await measureEnqueue(stores, tasks)
      shell.talk.info("draining them")
      const drainPerSecond = await measureDrain(stores, own, tasks)
      shell.talk.info("measuring how soon an idle worker picks a task up")
      const pickupMs = await measurePickup(stores, own)
      const measured = {
        store: maskUrl(config.broker),
        tasks,
        concurrency,
        enqueuePerSecond,
        drainPerSecond,
        pickupMs,
        rssMb: Math.round(process.memoryUsage.rss() / 1024 ** 2),
      }
      await showOne(shell, flags.output, {
        json: () => measured,
        name: () => measured.store,
        table: () =>
          renderFields(
            [
              ["store", `${measured.store} (${stores.capabilities.durability})`],
              ["tasks", `${tasks}, ${measured.concurrency} at once`],
              ["enqueue", `${enqueuePerSecond} a second`],
              ["drain", `${drainPerSecond} a second`],
              ["pickup", `p50 ${pickupMs.p50} ms, p99 ${pickupMs.p99} ms`],
              ["memory", `${measured.rssMb} MB in the worker`],
            ],
            shell.paint,
          ),
      })
      return EXIT.done
    } finally {
      await removeAll(stores)
      await stores.close()
      await module.remove()
    }
  },
})
