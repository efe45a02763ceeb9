/** Stem as a real process, the executable, in a folder and on a store of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stemCommand } from "../support/executable.ts"
import { type Place, placeOn, type StoreName } from "./places.ts"

export { STORES, type StoreName } from "./places.ts"

const STEM = stemCommand()
/** How a line of a shell calls it. */
export const STEM_LINE = STEM.map((word) => `"${word}"`).join(" ")

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Record<string, string | undefined>
  readonly cwd?: string
}

export interface Stem extends Pick<Place, "namespace" | "beside"> {
  readonly folder: string
  /** Where its tasks lie. */
  readonly url: string
  /** What a process needs that the test starts by itself. */
  readonly env: Readonly<Record<string, string>>
  /** Runs to the end. */
  run(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** The same, and reads stdout as JSON; throws when the command did not answer 0. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  json(args: readonly string[], options?: RunOptions): Promise<any>
  /** Writes a file into the folder and answers its path. */
  write(name: string, text: string): Promise<string>
  /** Runs a worker on the module until nothing is left to do. */
  drain(module?: string, ...args: string[]): Promise<Ran>
  /** Starts something that goes on. */
  start(args: readonly string[], options?: RunOptions): Running
  remove(): Promise<void>
}

export interface Running {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">
  /** Resolves once stderr has held the text. */
  says(text: string): Promise<void>
  readonly done: Promise<Ran>
}

/** On the store that is named, in a folder and a namespace that nobody else uses. */
export async function makeStem(store: StoreName = "sqlite"): Promise<Stem> {
  const folder = await mkdtemp(join(tmpdir(), "stem-cli-"))
  const place = placeOn(store, folder)
  const environment = (env: RunOptions["env"] = {}) => {
    const all: Record<string, string | undefined> = {
      PATH: process.env.PATH,
      HOME: folder,
      XDG_STATE_HOME: join(folder, "state"),
      XDG_CONFIG_HOME: join(folder, "config"),
      ...place.env,
      ...env,
    }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >
  }
  const running = new Set<Bun.Subprocess>()

  const stem: Stem = {
    ...{ folder, url: place.env.STEM_BROKER_URL as string, env: place.env },
    ...{ namespace: place.namespace, beside: place.beside },
    async run(args, { stdin, env, cwd } = {}) {
      const child = Bun.spawn([...STEM, ...args], {
        cwd: cwd ?? folder,
        env: environment(env),
        stdin: stdin === undefined ? "ignore" : new TextEncoder().encode(stdin),
        stdout: "pipe",
        stderr: "pipe",
      })
      running.add(child)
      const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
      running.delete(child)
      return { code, out, err }
    },
    async json(args, options) {
      const { code, out, err } = await stem.run([...args, "-o", "json"], options)
      if (code !== 0) throw new Error(`stem ${args.join(" ")}: ${code}\n${err}`)
      return JSON.parse(out)
    },
    async write(name, text) {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    },
    drain: (module = "tasks.ts", ...args) =>
      stem.run(["worker", module, "--drain", "--isolates", "1", "--log-level", "error", ...args]),
    start(args, { env, cwd } = {}) {
      const child = Bun.spawn([...STEM, ...args], {
        cwd: cwd ?? folder,
        env: environment(env),
        stdio: ["ignore", "pipe", "pipe"],
      })
      running.add(child)
      let err = ""
      const waiting = new Set<() => void>()
      const heard = (async () => {
        const decoder = new TextDecoder()
        for await (const chunk of child.stderr as unknown as AsyncIterable<Uint8Array>) {
          err += decoder.decode(chunk, { stream: true })
          for (const look of waiting) look()
        }
      })()
      const done = (async () => {
        const [code, out] = await Promise.all([child.exited, child.stdout.text(), heard])
        running.delete(child)
        return { code, out, err }
      })()
      return {
        child,
        done,
        says: (text) =>
          new Promise((resolve, reject) => {
            const look = () => {
              if (!err.includes(text)) return
              waiting.delete(look)
              resolve()
            }
            waiting.add(look)
            look()
            void done.then(() => reject(new Error(`it never said "${text}":\n${err}`)))
          }),
      }
    },
    async remove() {
      for (const child of running) child.kill("SIGKILL")
      await Promise.all([...running].map((child) => child.exited))
      await place.clear()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return stem
}

/** Tasks that end in every way. */
export const TASKS = `
import { defineTask } from "stem"
export const add = ({ a, b }: { a: number; b: number }) => a + b
export const echo = (input: unknown) => input
export const boom = defineTask({ name: "boom", retries: 0, run: (input: { id?: number } | null) => {
  throw Object.assign(new TypeError("no such file: 'a-" + (input?.id ?? 0) + ".png'"), { code: "ENOENT" })
} })
export const nasty = defineTask({ name: "nasty", retries: 0, run: () => { throw new Error("\\u001b[31mred\\u0007\\u202e") } })
export const strict = defineTask({
  name: "strict", queue: "special", priority: 7,
  input: { "~standard": { version: 1, vendor: "test", validate: (value: any) =>
    typeof value?.n === "number" ? { value } : { issues: [{ message: "expected a number", path: ["n"] }] } } },
  run: ({ n }: any) => n,
})
export const until = defineTask({ name: "until", retries: 0, async run({ path }: { path: string }, ctx) {
  while (!(await Bun.file(path).exists())) {
    if (ctx.signal.aborted) throw ctx.signal.reason
    await Bun.sleep(10)
  }
  return "seen"
} })
export const context = (_input: unknown, ctx: any) => ({ headers: ctx.headers, queue: ctx.queue, maxAttempts: ctx.maxAttempts })
export const mended = defineTask({ name: "mended", retries: 0, async run(_input, ctx) {
  if (!(await Bun.file(process.cwd() + "/mended").exists())) throw new Error("not mended")
  return ctx.attempt
} })
`
