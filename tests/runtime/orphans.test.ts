import { expect, test } from "bun:test"
import { join } from "node:path"
import { moduleFolder } from "../support/module-folder.ts"
import { CHILD, isAlive, untilGone } from "./pool.ts"

const TASKS = `
export const spin = (_, ctx) => { ctx.log.info(String(process.pid)); for (;;) {} }
export const hang = async (_, ctx) => { ctx.log.info(String(process.pid)); await new Promise(() => {}) }
export const beat = async (_, ctx) => {
  ctx.log.info(String(process.pid))
  for (;;) { await Bun.sleep(5); ctx.log.info("beat " + process.pid) }
}
export const talk = async (_, ctx) => {
  console.log("said to stdout")
  console.error("said to stderr")
  process.stdout.write("written to stdout\\n")
  ctx.log.info(String(process.pid))
  await new Promise(() => {})
}
`

/** A supervisor in a process group of its own, as a terminal would have it. */
async function startSupervisor(...tasks: string[]) {
  const folder = moduleFolder({ "tasks.ts": TASKS })
  const supervisor = Bun.spawn(
    [process.execPath, join(import.meta.dir, "supervisor.ts"), folder.file("tasks.ts"), ...tasks],
    { stdio: ["ignore", "pipe", "pipe"], detached: true },
  )
  const lines = linesOf(supervisor.stdout)
  const pids = (await lines()).split(" ").map(Number)
  return {
    supervisor,
    lines,
    pids,
    async [Symbol.asyncDispose]() {
      supervisor.kill("SIGKILL")
      await supervisor.exited
      folder[Symbol.dispose]()
    },
  }
}

function linesOf(stream: ReadableStream<Uint8Array>): () => Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream() as never).getReader()
  let text = ""
  return async () => {
    for (;;) {
      const end = text.indexOf("\n")
      if (end >= 0) {
        const line = text.slice(0, end)
        text = text.slice(end + 1)
        return line
      }
      const { value, done } = await reader.read()
      if (done) throw new Error(`the stream ended after ${JSON.stringify(text)}`)
      text += value
    }
  }
}

test("isolates die with a killed supervisor, in a busy loop too", async () => {
  await using it = await startSupervisor("spin", "hang")
  expect(it.pids).toHaveLength(2)
  expect(await Promise.all(it.pids.map(isAlive))).toEqual([true, true])
  it.supervisor.kill("SIGKILL")
  await Promise.all(it.pids.map(untilGone))
})

test("a Ctrl-C for the whole process group is the supervisor's to answer", async () => {
  await using it = await startSupervisor("beat", "beat")
  const seen: string[] = []
  const until = async (condition: () => boolean) => {
    while (!condition()) seen.push(await it.lines())
  }
  process.kill(-it.supervisor.pid, "SIGINT")
  process.kill(-it.supervisor.pid, "SIGHUP")
  for (const pid of it.pids) process.kill(pid, "SIGTERM")
  await until(() => seen.includes("interrupted") && seen.includes("hung up"))
  const then = seen.length
  for (const pid of it.pids)
    await until(() => seen.slice(then).filter((line) => line === `beat ${pid}`).length >= 10)
})

test("what user code prints goes to stderr, for stdout is for data", async () => {
  await using it = await startSupervisor("talk")
  it.supervisor.kill("SIGKILL")
  const printed = await it.supervisor.stderr.text()
  for (const line of ["said to stdout", "said to stderr", "written to stdout"])
    expect(printed).toContain(line)
})

test("the hidden sub-command refuses to run for anyone but a supervisor", async () => {
  for (const env of [{}, { STEM_ISOLATE: String(process.pid) }]) {
    const child = Bun.spawn(CHILD, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] })
    expect(await child.exited).not.toBe(0)
    expect(await child.stderr.text()).toContain("not_for_people")
  }
})
