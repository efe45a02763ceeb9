/** A worker of Stem beside whoever measures it: in a process of its own, waiting for work. */
import { readFile } from "node:fs/promises"
import type { ReserveAsk } from "../../src/core/contracts/broker.ts"
import { clientOf } from "../../src/stem.ts"
import type { Place } from "../places.ts"
import { openIn, runSome, work } from "./stem.ts"

const CONCURRENCY = 8
/** Long enough for what was before to be over. */
const SETTLE_MS = 2000
/** So many tasks before: an idle worker is one that has worked, and is compiled by then, as is who sends to it. */
const WARM_UP = 2000
/** Long enough for a handler to have begun, nearly always. */
const LOOK_AFTER_MS = 15

async function startIdle(place: Place): Promise<void> {
  const ready = Promise.withResolvers<void>()
  await work(await openIn(place), place, CONCURRENCY, ({ kind }) => {
    if (kind === "ready") ready.resolve()
  })
  await ready.promise
}

/** Works until it is killed; writes a line once it is ready. */
export async function serve(place: Place): Promise<never> {
  await startIdle(place)
  console.log("ready")
  return new Promise<never>(() => {})
}

export interface Pickup {
  /** From the call of enqueue until the handler began, the fsync of the enqueue included. */
  readonly fromCall: number
  /** From the answer of enqueue; below 0 when the handler was faster than the answer. */
  readonly fromAnswer: number
}

/** Sends tasks to the worker of another process, each long after the one before, and says how soon each began. */
export async function probe(place: Place, count: number): Promise<readonly Pickup[]> {
  const client = clientOf(await openIn(place))
  const now = () => performance.timeOrigin + performance.now()
  const found: Pickup[] = []
  for (let n = 0; n < WARM_UP; n++) await client.enqueue("instant")
  const last = await client.enqueue("instant")
  await client.wait(last, { timeout: "10s" })
  await Bun.sleep(SETTLE_MS)
  for (let n = 0; n < count; n++) {
    await Bun.sleep(20 + Math.random() * 30)
    const called = now()
    const sent = await client.enqueue("instant")
    const answered = now()
    // Asking for the result takes a core, and the server, from those who are being measured.
    await Bun.sleep(LOOK_AFTER_MS)
    const { result } = await client.wait<number>(sent.id, { timeout: "10s" })
    if (result === undefined) throw new Error(`${sent.id} has no result`)
    found.push({ fromCall: result - called, fromAnswer: result - answered })
  }
  await client.close()
  return found
}

/** The share of one core, in percent, that an idle worker and its isolates take over so many seconds. */
export async function idleShare(place: Place, seconds: number): Promise<number> {
  await startIdle(place)
  await Bun.sleep(SETTLE_MS)
  const before = await cpuMs()
  await Bun.sleep(seconds * 1000)
  return ((await cpuMs()) - before) / (seconds * 10)
}

/** Processor time of this process and, where the system tells, of its children. */
async function cpuMs(): Promise<number> {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000 + (await childrenCpuMs())
}

const TICK_MS = 10

async function childrenCpuMs(): Promise<number> {
  if (process.platform !== "linux") return 0
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, "utf8")).split(" ")
  const stats = children.filter((pid) => pid !== "").map((pid) => readFile(`/proc/${pid}/stat`, "utf8"))
  return (await Promise.all(stats)).reduce((total, stat) => {
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return total + (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }, 0)
}

/** Runs so many tasks and answers the supervisor's resident memory after each tenth of them, in MiB. */
export async function memoryWhile(place: Place, tasks: number, concurrency: number): Promise<number[]> {
  const step = Math.floor(tasks / 10)
  const found: number[] = []
  await runSome(place, { tasks, concurrency }, (done) => {
    if (done % step === 0) found.push(process.memoryUsage.rss() / 2 ** 20)
  })
  return found
}

/** Waits, ready to take tasks, for a line on stdin; then works until it is killed, writing how many have succeeded. */
export async function share(place: Place, concurrency: number): Promise<never> {
  const stores = await openIn(place)
  const go = Promise.withResolvers<void>()
  const { broker } = stores
  const waiting = {
    ...stores,
    broker: { ...broker, reserve: (ask: ReserveAsk) => go.promise.then(() => broker.reserve(ask)) },
  }
  let done = 0
  await work(waiting, place, concurrency, ({ kind }) => {
    if (kind === "ready") console.log("ready")
    if (kind !== "succeeded") return
    if (done === 0)
      setImmediate(() => {
        console.log(done)
        done = 0
      })
    done += 1
  })
  for await (const _line of console) go.resolve()
  return new Promise<never>(() => {})
}
