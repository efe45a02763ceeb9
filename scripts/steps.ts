import { join, resolve } from "node:path"

/** Running other programs from a script: shown before, stopped at the first that fails. */
export interface Step {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What to do when it fails. */
  readonly fix: string
}

export const ROOT = resolve(import.meta.dir, "..")

/** A program of node_modules/.bin, wherever the script was started from. */
export const tool = (name: string): string => join(ROOT, "node_modules", ".bin", name)

/** Runs a program with this terminal; answers its exit code. */
export async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  })
  return child.exited
}

/** Runs the steps in order. Ends the process with 1 at the first that fails, saying what to do. */
export async function runAll(steps: readonly Step[]): Promise<void> {
  for (const { name, command, env, fix } of steps) {
    console.log(`\n== ${name}`)
    const code = await run(command, env)
    if (code === 0) continue
    console.error(`\n${name}: failed (exit code ${code})\n${fix}`)
    process.exit(1)
  }
}
