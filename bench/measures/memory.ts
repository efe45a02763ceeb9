import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { inChild, inFolder } from "../child.ts"
import { atMost, type Row } from "../report.ts"
import type { Measure } from "../run.ts"

/** How much of its size after the first tenth the supervisor may gain over the other nine. */
const GROWTH = 1.2

/** The supervisor's memory over a long run, and the size of the file that keeps all the results. */
export const memory: Measure = async ({ backlog: tasks, concurrency }) =>
  inFolder(async (folder) => {
    await inChild("systems/stem.ts", "fill", folder, tasks)
    const waiting = await sizeOf(folder)
    const rss = await inChild<number[]>("systems/stem-worker.ts", "memoryWhile", folder, tasks, concurrency)
    const first = rss[0] ?? Number.NaN
    const last = rss.at(-1) ?? Number.NaN
    const count = (part: number) => `after ${(part * tasks).toLocaleString("en-US")} tasks`
    const row = (of: string, unit: string, sample: number): Row => ({
      ...{ measure: "memory of the supervisor", of, unit },
      samples: [sample],
    })
    const file = (of: string, sample: number): Row => ({ ...row(of, "MiB", sample), measure: "file" })
    return {
      rows: [
        row(count(0.1), "MiB", first),
        row(count(1), "MiB", last),
        row("the most of ten looks", "MiB", Math.max(...rss)),
        atMost(row("last look / first", "times", last / first), GROWTH),
        file("all waiting", waiting),
        file("all results kept", await sizeOf(folder)),
      ],
    }
  })

async function sizeOf(folder: string): Promise<number> {
  const files = await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))))
  return files.reduce((total, { size }) => total + size, 0) / 2 ** 20
}
