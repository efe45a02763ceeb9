/**
 * How late a Beat fires: `bun bench/lateness.ts URL [schedules] [seconds]`. It stores so many schedules, runs one
 * `stem beat` and reads what it says of each firing: spread evenly over a minute, all due in one second, and at one
 * instant; with ALL=0 the second of these alone.
 */
import { schedulePut } from "../src/core/beat/put.ts"
import { parseSchedule } from "../src/core/task/schedule.ts"
import { openStores } from "../src/stem.ts"
import { stemCommand } from "../tests/support/executable.ts"

const [broker = "sqlite:lateness.db", count = "10000", seconds = "30"] = process.argv.slice(2)
const N = Number(count)

async function measure(what: string, everyMs: number, anchorOf: (n: number) => number): Promise<void> {
  const namespace = `lateness-${crypto.randomUUID().slice(0, 8)}`
  const stores = await openStores({ broker, namespace })
  const now = stores.clock.now()
  const puts = Array.from({ length: N }, (_, n) => {
    const spec = { kind: "every", everyMs, anchor: anchorOf(n) } as const
    return schedulePut(parseSchedule({ v: 1, name: `s${n}`, task: "t", spec, queue: "nobody" }), now + 2000)
  })
  await stores.schedules.sync("bench", puts)
  const beat = Bun.spawn({
    cmd: [...stemCommand(), "beat", "-o", "ndjson", "--log-level", "error"],
    env: { ...process.env, STEM_BROKER_URL: broker, STEM_NAMESPACE: namespace },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const stop = setTimeout(() => beat.kill("SIGTERM"), Number(seconds) * 1000)
  const lines = (await new Response(beat.stdout).text()).split("\n").filter(Boolean)
  clearTimeout(stop)
  const late = lines.map((line) => JSON.parse(line).latenessMs as number).sort((a, b) => a - b)
  const at = (part: number) => late[Math.floor((late.length - 1) * part)]
  console.log(
    `${what}: ${late.length} firings, late p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`,
  )
  await stores.schedules.remove(puts.map(({ schedule }) => schedule.name))
  await stores.close()
}

if (process.env.ALL !== "0")
  await measure(`${N} schedules, each once a minute, spread`, 60_000, (n) => Math.floor((n * 60_000) / N))
await measure(`${N} schedules, all due in one second`, 10_000, (n) => Math.floor((n * 1000) / N))
if (process.env.ALL !== "0") await measure(`${N} schedules, all due at one instant`, 10_000, () => 0)
