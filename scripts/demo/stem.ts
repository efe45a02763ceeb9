/** The compiled executable, called as a person would: one process for each command. */
import { join } from "node:path"
import { ROOT } from "../steps.ts"
import { command, quote } from "./show.ts"

const BINARY = join(ROOT, "dist", "stem")

export interface Stem {
  /** The URL of its store. */
  readonly broker: string
  /** Runs a command and answers its stdout. Throws when it exits with anything but 0. */
  call(args: readonly string[], options?: { input?: string; show?: boolean }): Promise<string>
  /** Starts a command that goes on by itself. */
  start(args: readonly string[]): {
    readonly done: Promise<number>
    readonly log: () => Promise<string>
    kill(): void
  }
  json<T>(args: readonly string[]): Promise<T>
}

export function stemIn(folder: string): Stem {
  const broker = `sqlite:${join(folder, "demo.db")}`
  const env = {
    ...process.env,
    STEM_BROKER_URL: broker,
    NO_COLOR: "1",
  }
  const spawn = (args: readonly string[], input?: string) =>
    Bun.spawn([BINARY, ...args], {
      cwd: ROOT,
      env,
      stdin: input === undefined ? "ignore" : new Blob([input]),
      stdout: "pipe",
      stderr: "pipe",
    })

  const stem: Stem = {
    broker,
    async call(args, { input, show = true } = {}) {
      if (show) command(["stem", ...args.map(shown)].join(" "))
      const child = spawn(args, input)
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ])
      if (code !== 0) {
        quote(err || out)
        throw new Error(`stem ${args[0]} exited with ${code}`)
      }
      return out
    },
    start(args) {
      command(`${["stem", ...args.map(shown)].join(" ")} &`)
      const child = spawn(args)
      const log = new Response(child.stderr).text()
      return { done: child.exited, log: () => log, kill: () => child.kill("SIGKILL") }
    },
    json: async <T>(args: readonly string[]) =>
      JSON.parse(await stem.call([...args, "-o", "json"], { show: false })) as T,
  }
  return stem
}

const shown = (arg: string) => {
  const short = arg.startsWith(ROOT) ? arg.slice(ROOT.length + 1) : arg
  return /^[\w./:=@%,-]+$/.test(short) ? short : `'${short}'`
}
