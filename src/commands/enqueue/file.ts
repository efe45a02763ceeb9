import type { Client, EnqueueAsk, Sent } from "../../core/client/client.ts"
import { makeEnvelope } from "../../core/client/envelope.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { invalid, StemError } from "../../core/kit/errors.ts"
import type { EnqueueOptions } from "../../core/task/options.ts"
import type { Shell } from "../shell/command.ts"
import { EXIT, type ExitCode, usage } from "../shell/exit.ts"
import { readJson } from "../shell/json.ts"
import { startProgress } from "../shell/progress.ts"
import { linesOf } from "./lines.ts"
import { type Definitions, definitionsOf } from "./module.ts"
import { type Line, optionsFromFlags, readLine, type TaskFlags } from "./options.ts"
import { type Receipt, receipts } from "./receipts.ts"
import { type Sender, withSender } from "./sender.ts"

interface FileFlags extends TaskFlags {
  readonly module?: string | undefined
  readonly output?: string | undefined
  readonly "fail-on-duplicate": boolean
}

/** How many tasks one call to the store carries, and how many an error can throw back. */
const BATCH = 1000

/** What became of the tasks of a file. */
interface Done {
  accepted: number
  duplicates: number
  spooled: number
}

const COUNTED: Record<Sent["kind"], keyof Done> = {
  stored: "accepted",
  replaced: "accepted",
  duplicate: "duplicates",
  spooled: "spooled",
}

interface Numbered {
  readonly number: number
  readonly ask: EnqueueAsk
  readonly task: string
}

/**
 * Enqueues a file of tasks, a batch at a time and in its order, in constant memory. At the first bad line it
 * stops: what was committed before stays, nothing after it is accepted, and the message says how many were.
 */
export async function enqueueFile(
  shell: Shell,
  flags: FileFlags & Readonly<Record<string, unknown>>,
  path: string,
  defaultTask: string | undefined,
): Promise<ExitCode> {
  const name = path === "-" ? "stdin" : path
  const defaults = optionsFromFlags(flags)
  const definition = flags.module === undefined ? undefined : await definitionsOf(shell, flags.module)
  const stream = await openInput(path, name)
  const work = async ({ client, clock }: Sender): Promise<ExitCode> => {
    const progress = startProgress(shell, "tasks")
    const out = receipts(shell, flags.output)
    let batch: Numbered[] = []
    const done = { accepted: 0, duplicates: 0, spooled: 0 }
    let number = 0
    /** The last batch: while the store takes the one before, it is checked and waits, and the next is read. */
    let sending = Promise.resolve()
    const commit = async () => {
      const [sent, before] = [batch, sending]
      batch = []
      sending = deliver(sent, before)
      sending.catch(() => {})
      await before
    }
    const deliver = async (sent: readonly Numbered[], before: Promise<void>) => {
      if (sent.length === 0) return before
      const answers = await send(client, clock, sent, before)
      for (const { kind } of answers) done[COUNTED[kind]]++
      if (flags.output !== undefined)
        await out.add(answers.map((answer, at) => receipt(answer, sent[at] as Numbered)))
      progress.to(done.accepted + done.duplicates + done.spooled)
    }
    try {
      for await (const lines of linesOf(stream)) {
        for (const text of lines) {
          number++
          if (text.trim() === "") continue
          batch.push(readNumbered(text, number, { defaults, defaultTask, definition }))
          if (batch.length >= BATCH) await commit()
        }
      }
      await commit()
      await sending
    } catch (error) {
      // The batch before ends first, for it counts, and what is wrong with it came before.
      const first = await sending.then(
        () => error,
        (earlier) => earlier,
      )
      progress.end()
      await out.end()
      throw located(first, name, done)
    }
    progress.end()
    await out.end()
    const { accepted, duplicates, spooled } = done
    const known = duplicates === 0 ? "" : `, ${duplicates} known before`
    const kept = spooled === 0 ? "" : `, ${spooled} kept until the store is back`
    shell.talk.info(`${accepted} accepted${known}${kept}`, { ...done })
    return duplicates > 0 && flags["fail-on-duplicate"] ? EXIT.duplicate : EXIT.done
  }
  return withSender(shell, flags, work, definition?.middleware)
}

async function openInput(path: string, name: string): Promise<ReadableStream<Uint8Array>> {
  if (path === "-") return Bun.stdin.stream()
  const file = Bun.file(path)
  if (await file.exists()) return file.stream()
  throw usage(`--file: ${name} can not be read`, "Check its path and rights; - is stdin.")
}

/** What is wrong in a line, with its number. */
class BadLine extends Error {
  constructor(
    readonly number: number,
    readonly reason: unknown,
  ) {
    super("bad line")
  }
}

interface Defaults {
  readonly defaults: ReturnType<typeof optionsFromFlags>
  readonly defaultTask: string | undefined
  readonly definition: Definitions | undefined
}

function readNumbered(
  text: string,
  number: number,
  { defaults, defaultTask, definition }: Defaults,
): Numbered {
  try {
    const line: Line = readLine(readJson(text, "it"))
    const task = line.task ?? defaultTask
    if (task === undefined) throw invalid("malformed_line", "it names no task")
    const options = isEmpty(defaults) ? line.options : withDefaults(defaults, line.options)
    const target = definition?.of(task) ?? task
    return { number, task, ask: { task: target, input: line.input, options } as EnqueueAsk }
  } catch (error) {
    throw new BadLine(number, error)
  }
}

function isEmpty(options: object): boolean {
  for (const _ in options) return false
  return true
}

/** A line that says when is not told so by a flag. */
function withDefaults({ at, delay, ...others }: EnqueueOptions, options: EnqueueOptions): EnqueueOptions {
  const timed = options.at !== undefined || options.delay !== undefined
  const when = timed ? {} : { ...(at && { at }), ...(delay !== undefined && { delay }) }
  return { ...others, ...when, ...options }
}

/** Sends a batch behind another. When the client refuses it, finds the line it refused. */
async function send(
  client: Client,
  clock: Clock,
  batch: readonly Numbered[],
  before: Promise<void>,
): Promise<readonly Sent[]> {
  const asks = batch.map(({ ask }) => ask)
  try {
    return await client.enqueueMany(asks, { after: before })
  } catch (error) {
    // What is wrong with the one before came first.
    await before
    if (!(error instanceof StemError) || error.kind !== "invalid") throw error
    for (const { number, ask } of batch) {
      const reason = await refusal(clock, ask)
      if (reason) throw new BadLine(number, reason)
    }
    throw error
  }
}

async function refusal(clock: Clock, { task, input, options }: EnqueueAsk): Promise<unknown> {
  const { applyDefinition } = await import("../../core/client/definition.ts")
  try {
    const ask =
      typeof task === "string"
        ? { task, input, ...(options && { options }) }
        : await applyDefinition(task, input, options ?? {}, clock.now())
    makeEnvelope(clock, ask)
    return undefined
  } catch (error) {
    return error
  }
}

const receipt = ({ id, kind, state, queue }: Sent, { task }: Numbered): Receipt => ({
  id,
  task,
  queue,
  state,
  duplicate: kind === "duplicate",
})

function located(error: unknown, name: string, { accepted, duplicates, spooled }: Done): unknown {
  const known = duplicates === 0 ? "" : ` and ${duplicates} known before`
  const kept = spooled === 0 ? "" : ` and ${spooled} kept in the spool`
  const before = `${accepted} tasks before it were accepted${known}${kept}`
  if (error instanceof BadLine) {
    const { reason } = error
    const message = reason instanceof Error ? reason.message : String(reason)
    const hint = reason instanceof StemError && reason.hint ? `${reason.hint} ` : ""
    return invalid(
      "bad_line",
      `line ${error.number} of ${name}: ${message}`,
      `${hint}${before}, nothing after them.`,
      reason,
    )
  }
  if (error instanceof StemError)
    return new StemError(error.kind, error.code, error.message, {
      hint: `${error.hint ? `${error.hint} ` : ""}${before}; the last batch may or may not have been.`,
      cause: error,
    })
  return error
}
