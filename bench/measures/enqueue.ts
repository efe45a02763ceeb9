import { type Contestant, inTurns, perform } from "../contestants.ts"
import type { StoreName } from "../places.ts"
import { rateRow, timesRow } from "../report.ts"
import type { Measure } from "../run.ts"
import { enqueueFile } from "../systems/stem-command.ts"

/** Where a commit costs a flush of the disk, fewer tell as much. */
const ONE_BY_ONE: Record<StoreName, number> = { sqlite: 2000, redis: 10_000, postgres: 2000 }
const IN_LISTS = 50_000
const AT_LEAST = 0.5

const NAMES = {
  enqueueOne: "enqueue, one by one",
  enqueueMany: "enqueue, in lists",
  file: "stem enqueue --file",
} as const

/** Storing tasks: one after the other, in lists, and from a file by the command. The second contestant is the bare one. */
export const enqueue =
  (contestants: readonly Contestant[]): Measure =>
  async ({ rounds }, stage) => {
    const timed = async (method: "enqueueOne" | "enqueueMany", tasks: number) => {
      const found = await inTurns(contestants, rounds, (who) =>
        stage.inPlace((place) => perform(who, method, place, tasks)),
      )
      return contestants.map((who) => rateRow(NAMES[method], who.about.name, found.get(who) ?? []))
    }
    const single = await timed("enqueueOne", ONE_BY_ONE[stage.store])
    const many = await timed("enqueueMany", IN_LISTS)
    const files = await inTurns(["stem"], rounds, () =>
      stage.inPlace((place) => enqueueFile(place, IN_LISTS)),
    )
    const file = rateRow(NAMES.file, "stem, the whole process", files.get("stem") ?? [])
    const [ours, bare] = many
    const bars =
      ours && bare && stage.store !== "sqlite"
        ? [timesRow(ours, bare, AT_LEAST), timesRow(file, bare, AT_LEAST)]
        : []
    return { rows: [...single, ...many, file, ...bars] }
  }
