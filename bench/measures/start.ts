import { existsSync } from "node:fs"
import { join } from "node:path"
import { compile } from "../../scripts/binary/compile.ts"
import { inFolder } from "../child.ts"
import { inTurns } from "../contestants.ts"
import { moreRow, type Row } from "../report.ts"
import type { Measure } from "../run.ts"

const BINARY = join(import.meta.dir, "../../dist/stem")
/** For each round that was asked for: a process is short. */
const TURNS = 8
const HELP_MS = 10
const ENQUEUE_MS = 25

/** Whole processes of the executable, against one that prints a word and was compiled the same way. */
export const start: Measure = async ({ rounds }) => {
  if (!existsSync(BINARY)) return { rows: [], left: "start, for dist/stem is not there: npm run build" }
  return inFolder(async (folder) => {
    const entry = join(folder, "hello.ts")
    const hello = join(folder, "hello")
    await Bun.write(entry, 'console.log("hello")\n')
    await compile({ entry, outfile: hello, commit: "" })
    const broker = `sqlite:${join(folder, "stem.db")}`
    const commands = {
      "hello-world": [hello],
      "stem --help": [BINARY, "--help"],
      "stem enqueue": [BINARY, "enqueue", "nothing", "n=1", "--broker", broker],
    }
    // The first enqueue makes the file, and the first of each is read from the disk.
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
        moreRow(row("stem enqueue"), base, ENQUEUE_MS),
      ],
    }
  })
}

async function timed(command: readonly string[]): Promise<number> {
  const began = performance.now()
  const child = Bun.spawn([...command], { stdio: ["ignore", "ignore", "pipe"] })
  const code = await child.exited
  const ms = performance.now() - began
  if (code !== 0) throw new Error(`${command.join(" ")}: exit code ${code}\n${await child.stderr.text()}`)
  return ms
}
