/**
 * The main of a small process that minds one command: it starts it in a session of its own, reads what it writes, and
 * outlives its worker by the moment it takes to kill the command's whole group. No code of a user runs in here.
 */
import { constants, setPriority } from "node:os"
import { messageOf, StemError } from "../../core/kit/errors.ts"
import { ISOLATE_MARK } from "../isolates/protocol.ts"
import { createCapture, KEPT, outputOf } from "./capture.ts"
import { adoptDescendants, type Descendants, kill } from "./descendants.ts"
import { become, environmentOf } from "./person.ts"
import type { FromMinder, MinderRun, ToMinder } from "./protocol.ts"

/** How often a running command's output is told. */
const TELL_EVERY_MS = 250
/** How often the dead among its orphans are cleared away. */
const REAP_EVERY_MS = 1000
/** How long what a command left running may still write before it is killed, and then to be gone. */
const LAST_WORDS_MS = 200
const EXIT_START = 128

type Command = Bun.Subprocess<Uint8Array<ArrayBuffer> | "ignore", "pipe", "pipe">

/**
 * Becomes a minder for the rest of this process's life: the promise never resolves. It rejects with `not_for_people`
 * when no worker started it.
 */
export async function minderMain(): Promise<never> {
  const worker = process.env[ISOLATE_MARK]
  if (!worker || !process.send)
    throw new StemError("invalid", "not_for_people", "this sub-command is how `stem worker` minds commands")
  // A terminal sends its signals to everyone; the worker alone decides what they mean.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {})
  const tell = teller()
  const descendants = adoptDescendants()
  let command: Command | undefined
  const strike = async () => {
    if (command) kill(-command.pid)
    await descendants.killAll(command?.pid ?? 0)
  }
  process.on("disconnect", () => void strike().finally(() => process.exit(0)))
  process.on("message", (message: ToMinder) => {
    if (message.kind === "kill") void strike()
    else if (message.kind === "term") command && kill(-command.pid, "SIGTERM")
    else
      try {
        command = start(message.run)
        tell({ kind: "started", pid: command.pid })
        void keep(command, descendants, tell)
      } catch (error) {
        tell({ kind: "refused", code: codeOf(error), message: reasonOf(error, message.run) })
      }
  })
  if (process.ppid !== Number(worker)) process.exit(0)
  return new Promise<never>(() => {})
}

function teller(): (message: FromMinder) => void {
  const send = process.send?.bind(process)
  return (message) => {
    try {
      send?.(message)
    } catch {
      // The worker is gone: the channel's end will be heard, and everything ends.
    }
  }
}

function start(run: MinderRun): Command {
  const { umask, nice, user, stdin } = run
  if (umask !== undefined) process.umask(Number.parseInt(umask, 8))
  if (nice !== undefined) setPriority(nice)
  const personal = user === undefined ? {} : environmentOf(become(user))
  return Bun.spawn({
    cmd: [run.program, ...run.args],
    argv0: run.argv0,
    cwd: run.cwd,
    env: { ...run.env, ...personal, ...run.own },
    // A session of its own: no terminal, and a group that takes signals as a whole.
    detached: true,
    stdin: stdin === undefined ? "ignore" : new TextEncoder().encode(stdin),
    stdout: "pipe",
    stderr: "pipe",
  })
}

/** Reads all it says, tells it now and then, and says how it ended once its group is gone. */
async function keep(
  command: Command,
  descendants: Descendants,
  tell: (message: FromMinder) => void,
): Promise<void> {
  const stdout = createCapture()
  const stderr = createCapture()
  let told = 0
  const telling = setInterval(() => {
    const written = stdout.written + stderr.written
    if (written === told) return
    told = written
    tell({ kind: "output", output: outputOf(stdout, stderr, KEPT.running) })
  }, TELL_EVERY_MS)
  const reaping = setInterval(() => descendants.reap(command.pid), REAP_EVERY_MS)
  const read = Promise.all([drain(command.stdout, stdout.write), drain(command.stderr, stderr.write)])

  const code = await command.exited
  // What it left running in its group may say its last words, and goes with it.
  await Promise.race([read, Bun.sleep(LAST_WORDS_MS)])
  kill(-command.pid)
  await Promise.race([read, Bun.sleep(LAST_WORDS_MS)])
  clearInterval(telling)
  clearInterval(reaping)
  const signal = command.signalCode
  tell({
    kind: "ended",
    code: signal === null ? code : null,
    signal: signal === null ? null : nameOf(signal, code),
    output: outputOf(stdout, stderr, KEPT.result),
  })
}

async function drain(stream: ReadableStream<Uint8Array>, write: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>)
      write(decoder.decode(chunk, { stream: true }))
  } catch {
    // What was read until then stands.
  }
  write(decoder.decode())
}

/** Bun gives a name, or for some signals only a number. */
function nameOf(signal: string | number, code: number): string {
  if (typeof signal === "string" && signal.startsWith("SIG")) return signal
  const number = typeof signal === "number" ? signal : code - EXIT_START
  const found = Object.entries(constants.signals).find(([, value]) => value === number)
  return found?.[0] ?? `signal ${number}`
}

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown }
  return typeof code === "string" ? code : "not_started"
}

function reasonOf(error: unknown, { program, cwd }: MinderRun): string {
  if (codeOf(error) === "ENOENT") return `${program} can not be started in ${cwd}: is the folder there?`
  if (codeOf(error) === "ENOEXEC") return `${program} is no program: does its first line name an interpreter?`
  return `${program} can not be started: ${messageOf(error)}`
}
