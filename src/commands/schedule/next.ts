import { oddities } from "../../core/beat/explain.ts"
import { checkSchedule } from "../../core/beat/lint.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT, usage } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { instantFlag, wholeFlag } from "../shell/times.ts"
import { TIMES_FLAGS, timesFromFlags } from "./definition.ts"
import { findSchedule } from "./find.ts"

const DAY: Millis = 86_400_000

/** An instant to show, or what a change of the clock does to the schedule there. */
interface Line {
  readonly at: Millis
  readonly words?: string
}

export default defineCommand({
  usage: "[name]",
  operands: { least: 0, most: 1 },
  examples: [
    ["stem schedule next nightly", "its next instants, exactly what Beat will do"],
    [
      `stem schedule next --cron "30 2 * * *" --timezone Europe/Berlin --around 2026-03-29`,
      "the days around it, explained",
    ],
    ["stem schedule next --every 90s --count 3", "of a schedule that is not stored"],
  ],
  flags: {
    ...TIMES_FLAGS,
    from: { kind: "value", hint: "T", about: "after this instant (default: now)" },
    count: { kind: "value", hint: "N", about: "so many (default: 5)" },
    around: { kind: "value", hint: "DATE", about: "the days around it, with what daylight saving does" },
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }) {
    const [name] = operands
    const said = [flags.cron, flags.every, flags.at, flags.rrule, flags.solar].some(
      (one) => one !== undefined,
    )
    if (said === (name !== undefined))
      throw usage(
        "which schedule?",
        "Give the name of a stored one, or one of --cron, --every, --at, --rrule, --solar.",
      )
    const count = wholeFlag("--count", flags.count, 1, 100_000) ?? 5
    const around = instantFlag("--around", flags.around)
    const from = instantFlag("--from", flags.from)
    const show = async (schedule: Schedule, from: Millis) => {
      const calendar = checkSchedule(schedule, from)
      const instants =
        around === undefined
          ? calendar.between(from, Number.POSITIVE_INFINITY, count)
          : calendar.between(around - DAY, around + 2 * DAY, flags.count === undefined ? 1000 : count)
      const odd = around === undefined ? [] : oddities(schedule, around - DAY, around + 2 * DAY)
      const rows: Line[] = [...instants.map((at) => ({ at })), ...odd.map(({ at, words }) => ({ at, words }))]
      await showLines(
        shell,
        flags.output,
        rows.sort((a, b) => a.at - b.at),
      )
      return instants.length === 0 ? EXIT.missing : EXIT.done
    }
    if (name === undefined) return show(timesFromFlags(flags), from ?? Date.now())
    return withStores(shell, flags, async ({ stores: { schedules, clock } }) => {
      const { schedule, paused } = await findSchedule(schedules, name)
      if (paused) shell.talk.warn(`${name} is paused: none of these will fire before it is resumed`)
      return show(schedule, from ?? clock.now())
    })
  },
})

async function showLines(
  shell: Parameters<typeof showList>[0],
  output: string | undefined,
  rows: readonly Line[],
): Promise<void> {
  if (output === undefined || output === "table") {
    for (const { at, words } of rows)
      await shell.stdout.write(`${words === undefined ? formatInstant(at) : `# ${words}`}\n`)
    if (rows.length === 0) shell.talk.info("It never fires.")
    return shell.stdout.flush()
  }
  const shown = output === "name" ? rows.filter(({ words }) => words === undefined) : rows
  await showList(shell, output, {
    rows: shown,
    columns: [],
    json: ({ at, words }) => ({ at: formatInstant(at), ...(words !== undefined && { explanation: words }) }),
    name: ({ at }) => formatInstant(at),
  })
}
