import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { inChild, inFolder } from "../child.ts"
import { atMost, type Row } from "../report.ts"
import type { Measure } from "../run.ts"

/** How much the supervisor may gain over the second half; the first is for warming up. */
const GROWTH = 1.1

/** The supervisor's memory over a long run, and the size of the file that keeps all the results. */
export const memory: Measure = async ({ backlog: tasks, concurrency }) =>
  inFolder(async (folder) => {
    await inChild("systems/stem.ts", "fill", folder, tasks)
    const waiting = await sizeOf(folder)
    const rss = await inChild<number[]>("systems/stem-worker.ts", "memoryWhile", folder, tasks, concurrency)
    const after = (part: number) => rss[Math.round(part * 10) - 1] ?? Number.NaN
    const count = (part: number) => `after ${(part * tasks).toLocaleString("en-US")} tasks`
    const row = (of: string, unit: string, sample: number): Row => ({
      ...{ measure: "memory of the supervisor", of, unit },
      samples: [sample],
    })
    const file = (of: string, sample: number): Row => ({ ...row(of, "MiB", sample), measure: "file" })
    return {
      rows: [
        ...[0.1, 0.5, 1].map((part) => row(count(part), "MiB", after(part))),
        atMost(row("the end / the middle", "times", after(1) / after(0.5)), GROWTH),
        file("all waiting", waiting),
        file("all results kept", await sizeOf(folder)),
      ],
    }
  })

async function sizeOf(folder: string): Promise<number> {
  const files = await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))))
  return files.reduce((total, { size }) => total + size, 0) / 2 ** 20
}
