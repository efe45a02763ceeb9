import { type Finding, lintSchedule } from "../../core/beat/lint.ts"
import { under } from "../../core/config/settings.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { readSources } from "../../stem.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { withStores } from "../shell/stores.ts"
import { isoOrNull } from "../shell/times.ts"

export default defineCommand({
  usage: "[module…]",
  operands: { least: 0, most: Number.POSITIVE_INFINITY },
  examples: [
    ["stem schedule lint", "bad specs, and every instant of two years that is skipped or doubled"],
    ["stem schedule lint ./tasks.ts", "also of what stem.toml and the module define"],
  ],
  notes: "Exit code 1 when a schedule can not be meant as it is; what is only odd does not fail.",
  flags: { ...OUTPUT_FLAG, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores: { schedules, clock }, files }) => {
      const defined = await readSources(
        files,
        operands.map((path) => under(shell.directory, path)),
      )
      const all = new Map<string, Schedule>()
      for (const { schedule } of await schedules.list()) all.set(schedule.name, schedule)
      for (const { schedules: list } of defined) for (const one of list) all.set(one.name, one)
      const rows = [...all.values()].flatMap((schedule) =>
        lintSchedule(schedule, clock.now()).map((finding) => ({ name: schedule.name, finding })),
      )
      await showList<{ name: string; finding: Finding }>(shell, flags.output, {
        rows,
        columns: [
          { title: "NAME", cell: ({ name }) => name },
          {
            title: "LEVEL",
            cell: ({ finding }) => finding.level,
            color: ({ finding }) => (finding.level === "wrong" ? "red" : "yellow"),
          },
          {
            title: "AT",
            cell: ({ finding }) => (finding.at === undefined ? "-" : formatInstant(finding.at)),
          },
          { title: "WHAT", cell: ({ finding }) => finding.words },
        ],
        json: ({ name, finding: { level, code, at, words, hint } }) => ({
          ...{ name, level, code, at: isoOrNull(at), message: words, hint: hint ?? null },
        }),
        name: ({ name }) => name,
        none: `${all.size} schedules, nothing odd in two years.`,
      })
      return rows.some(({ finding }) => finding.level === "wrong") ? EXIT.failed : EXIT.done
    }),
})
