import { commandOf, inChild } from "../child.ts"
import { inTurns } from "../contestants.ts"
import type { Place } from "../places.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"
import type { Timed } from "../systems/system.ts"

const MODULE = "systems/stem-worker.ts"
/** Two that compete may lose a little to noise, not to each other. */
const AT_LEAST = 0.9

/** Whether a second worker process is in the way of the first: the same tasks by one, and by two that are set up like it. */
export const workers: Measure = async ({ rounds, tasks, concurrency }, { inPlace }) => {
  const cases = [1, 2]
  const timed = await inTurns(cases, rounds, (count) =>
    inPlace(async (place) => {
      await inChild("systems/stem.ts", "fill", place, tasks)
      return drainBy(count, place, tasks, concurrency)
    }),
  )
  const [one, two] = cases.map((count) =>
    rateRow("drain by processes", `${count} of ${count * 2} isolates`, timed.get(count) ?? []),
  )
  return { rows: one && two ? [one, two, timesRow(two, one, AT_LEAST)] : [] }
}

/** From the moment when all are ready until the last result: each starts when it is told to. */
async function drainBy(count: number, place: Place, tasks: number, concurrency: number): Promise<Timed> {
  const command = commandOf([MODULE, "share", place, concurrency])
  const all = Array.from({ length: count }, () => Bun.spawn(command, { stdio: ["pipe", "pipe", "inherit"] }))
  try {
    const outs = all.map(({ stdout }) => stdout.getReader())
    await Promise.all(outs.map((out) => out.read()))
    const began = performance.now()
    for (const { stdin } of all) {
      stdin.write("go\n")
      stdin.flush()
    }
    let done = 0
    const decoder = new TextDecoder()
    await Promise.race(
      outs.map(async (out) => {
        let rest = ""
        while (done < tasks) {
          const { value } = await out.read()
          const lines = (rest + decoder.decode(value)).split("\n")
          rest = lines.pop() ?? ""
          for (const line of lines) done += Number(line)
        }
      }),
    )
    const ms = performance.now() - began
    await inChild("systems/check.ts", "check", place, tasks)
    return { tasks, ms }
  } finally {
    for (const worker of all) worker.kill("SIGKILL")
    await Promise.all(all.map((worker) => worker.exited))
  }
}
