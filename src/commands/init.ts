import { existsSync, mkdirSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { under } from "../core/config/settings.ts"
import { StemError } from "../core/kit/errors.ts"
import { stemDeclarations } from "../stem.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT } from "./shell/exit.ts"
import { OUTPUT_FLAG } from "./shell/flags.ts"
import { showList } from "./shell/output.ts"

const TASKS = `import { defineTask } from "stem"

/** Any exported function is a task: stem enqueue hello name=World --wait */
export async function hello(input: { name?: string } | null) {
  return \`Hello, \${input?.name ?? "World"}!\`
}

/** A definition says more about a task. */
export const countdown = defineTask<{ from: number }, string>({
  name: "countdown",
  retries: 5,
  timeout: "1m",
  async run({ from }, ctx) {
    for (let left = from; left > 0; left--) {
      if (ctx.signal.aborted) throw ctx.signal.reason
      ctx.progress(from - left, { left })
      await Bun.sleep(100)
    }
    return "Lift-off!"
  },
})
`

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      target: "ESNext",
      module: "Preserve",
      moduleResolution: "bundler",
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
    },
  },
  null,
  2,
)}\n`

export default defineCommand({
  usage: "[folder]",
  operands: { least: 0, most: 1 },
  examples: [
    ["stem init", "tasks.ts, tsconfig.json and stem.d.ts in this folder"],
    ["stem init jobs && stem worker jobs/tasks.ts", "in a new folder, and run its tasks"],
  ],
  flags: { force: { kind: "switch", about: "replace files that are there" }, ...OUTPUT_FLAG },
  async run({ flags, operands, shell }) {
    const folder = under(shell.directory, operands[0] ?? ".")
    const files = [
      { name: "tasks.ts", text: TASKS },
      { name: "tsconfig.json", text: TSCONFIG },
      { name: "stem.d.ts", text: await stemDeclarations() },
    ].map((file) => ({
      ...file,
      path: join(operands[0] ?? "", file.name),
    }))
    const there = files.find(({ name }) => existsSync(`${folder}/${name}`))
    if (there && !flags.force)
      throw new StemError("failed", "file_exists", `${there.path} is there already; nothing was written`, {
        hint: "Name another folder, or give --force to replace it.",
      })
    mkdirSync(folder, { recursive: true })
    for (const { name, text } of files) await Bun.write(`${folder}/${name}`, text)
    await showList(shell, flags.output, {
      rows: files,
      columns: [{ title: "WRITTEN", cell: ({ path }) => path }],
      json: ({ path }) => ({ path }),
      name: ({ path }) => path,
    })
    const written = files[0]?.path ?? ""
    const module = isAbsolute(written) ? written : `./${written}`
    shell.talk.info(
      `Run its tasks: stem worker ${module}\nThen, elsewhere: stem enqueue hello name=World --wait`,
    )
    return EXIT.done
  },
})
