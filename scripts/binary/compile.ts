import { tool } from "../steps.ts"
import type { Target } from "./targets.ts"

export interface CompileAsk {
  readonly entry: string
  readonly outfile: string
  /** Absent: this machine. */
  readonly target?: Target | undefined
  readonly commit: string
}

/** By how much oftener code must run while a process starts, before it is compiled to machine code. */
const START_PATIENCE = 100

/**
 * How the one executable is made.
 *
 * Bytecode and minifying are for the start time, and so is splitting: in one piece, every command would load the parts of
 * Node that any command imports (5 ms of `stem --help`). Of a command that runs for 20 ms nothing is worth being
 * compiled to machine code, which took 2 of them and half of the other core: until src/commands/shell/pace.ts says
 * otherwise, code has to run so much oftener first. Class names are kept, because retry lists and failures name
 * them. A task module finds its own packages, `#imports` and paths only with package.json and tsconfig.json read
 * at run time; bunfig.toml is not read, because one in the current folder could run code, and .env is not either:
 * docs/decisions/001-no-dotenv.md.
 */
export async function compile({ entry, outfile, target, commit }: CompileAsk): Promise<void> {
  const child = Bun.spawn(
    [
      tool("bun"),
      "build",
      "--compile",
      "--minify",
      "--keep-names",
      "--bytecode",
      "--splitting",
      "--format=esm",
      `--compile-jit-policy=${START_PATIENCE}`,
      "--compile-autoload-package-json",
      "--compile-autoload-tsconfig",
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-dotenv",
      `--define=process.env.STEM_BUILD_COMMIT=${JSON.stringify(commit)}`,
      ...(target ? [`--target=bun-${target}`] : []),
      entry,
      `--outfile=${outfile}`,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  )
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  if (code !== 0) throw new Error(`bun build for ${target ?? "this machine"} failed:\n${out}${err}`)
}
