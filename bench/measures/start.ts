import { join } from "node:path"
import { compile } from "../../scripts/binary/compile.ts"
import { inTurns } from "../contestants.ts"
import { moreRow, type Row } from "../report.ts"
import type { Measure } from "../run.ts"
import { isBuilt, stemCommand, timed } from "../systems/stem-command.ts"

/** For each round that was asked for: a process is short. */
const TURNS = 8
const HELP_MS = 10
const ENQUEUE_MS = { sqlite: 25, redis: 25, postgres: undefined }

/** Whole processes of the executable, against one that prints a word and was compiled the same way. */
export const start: Measure = async ({ rounds }, stage) => {
  if (!isBuilt()) return { rows: [], left: "start, for dist/stem is not there: npm run build" }
  return stage.inPlace(async ({ folder, broker, name }) => {
    const entry = join(folder, "hello.ts")
    const hello = join(folder, "hello")
    await Bun.write(entry, 'console.log("hello")\n')
    await compile({ entry, outfile: hello, commit: "" })
    const commands = {
      "hello-world": [hello],
      "stem --help": stemCommand("--help"),
      "stem enqueue": stemCommand("enqueue", "nothing", "n=1", "--broker", broker, "--namespace", name),
    }
    // The first enqueue makes the file or the schema, and the first of each is read from the disk.
    for (const command of Object.values(commands)) await timed(command)
    const names = Object.keys(commands) as (keyof typeof commands)[]
    const found = await inTurns(names, rounds * TURNS, (name) => timed(commands[name]))
    const row = (of: keyof typeof commands): Row => ({
      ...{ measure: "whole process", of, unit: "ms" },
      samples: found.get(of) ?? [],
    })
    const base = row("hello-world")
    return {
      rows: [
        ...names.map(row),
        moreRow(row("stem --help"), base, HELP_MS),
        moreRow(row("stem enqueue"), base, ENQUEUE_MS[stage.store]),
      ],
    }
  })
}
