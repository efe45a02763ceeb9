import { join } from "node:path"

const MODULE = `
import { defineTask } from "stem"
export const greet = defineTask({ name: "smoke.greet", run: (input) => ({ hello: input }) })
`

/**
 * Runs what a person runs first, in a folder where nothing is installed. Throws with the command and what it said
 * when one does not answer as it should.
 */
export async function smoke(binary: string, version: string, folder: string): Promise<void> {
  const module = join(folder, "tasks.ts")
  await Bun.write(module, MODULE)
  await expectOutput(binary, ["version"], version, folder)
  await expectOutput(binary, ["--help"], "stem worker", folder)
  await expectOutput(binary, ["inspect", "registered", module, "-o", "json"], "smoke.greet", folder)
}

async function expectOutput(binary: string, args: readonly string[], wanted: string, folder: string) {
  const child = Bun.spawn([binary, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  if (code !== 0 || !out.includes(wanted))
    throw new Error(`stem ${args.join(" ")}: exit code ${code}, "${wanted}" expected\n${out}${err}`)
}
