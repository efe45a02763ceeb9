/**
 * How a task's status is shown. The field names are what scripts rely on.
 */
import type { Client } from "../../core/client/client.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import type { Failure } from "../../core/task/failure.ts"
import { readShellFailure } from "../../core/task/shell.ts"
import { isEnded, type TaskState, type TaskStatus } from "../../core/task/status.ts"
import type { Stores } from "../../stem.ts"
import { failureText } from "./failure.ts"
import { renderFields } from "./table.ts"
import { clean, cleanJson, cleanLine, type Paint } from "./terminal.ts"
import { isoOrNull, showTime } from "./times.ts"

/** A status, and what else is known of the task. */
export interface Known {
  readonly status: TaskStatus
  /** Known while the task lives or lies among the dead letters. */
  readonly input?: { readonly value: unknown } | undefined
}

/** Everything the store knows of a task, from wherever it lies; undefined when it knows nothing. */
export async function findTask(stores: Stores, client: Client, id: string): Promise<Known | undefined> {
  const { inspector } = stores
  const status = (await client.result(id)) as TaskStatus | undefined
  if (!status) return undefined
  const envelope = isEnded(status.state)
    ? status.state === "failed"
      ? (await inspector.deadLetters.get(id))?.envelope
      : undefined
    : (await inspector.find([id]))[0]?.envelope
  return { status, input: envelope && { value: envelope.input } }
}

export function failureJson(failure: Failure): unknown {
  const { name, message, code, stack, cause } = failure
  const { exitCode, signal, output } = readShellFailure(failure) ?? {}
  return {
    ...{ name, message, code: code ?? null, stack: stack ?? null },
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(output && { output }),
    ...(cause && { cause: failureJson(cause) }),
  }
}

/** The shape of `stem result -o json`. What may be unknown is null; what may not apply is left out. */
export function statusJson({ status, input }: Known): Record<string, unknown> {
  const { progress, replays, error } = status
  return {
    id: status.id,
    task: status.task,
    queue: status.queue,
    state: status.state,
    attempt: status.attempt,
    ...(input && { input: input.value }),
    ...(status.state === "succeeded" && { result: status.result ?? null }),
    ...(error && { error: failureJson(error) }),
    ...(progress && {
      progress: { value: progress.value, data: progress.data ?? null, at: isoOrNull(progress.at) },
    }),
    enqueuedAt: isoOrNull(status.enqueuedAt),
    ...(status.dueAt !== undefined && !isEnded(status.state) && { dueAt: isoOrNull(status.dueAt) }),
    startedAt: isoOrNull(status.startedAt),
    finishedAt: isoOrNull(status.finishedAt),
    worker: status.worker ?? null,
    parent: status.parent ?? null,
    group: status.group?.group ?? null,
    ...(replays &&
      replays.length > 0 && {
        replays: replays.map(({ at, diedAt, error: why }) => ({
          at: isoOrNull(at),
          diedAt: isoOrNull(diedAt),
          error: why,
        })),
      }),
  }
}

export const stateColor = (state: TaskState) =>
  state === "succeeded"
    ? "green"
    : state === "failed" || state === "expired" || state === "cancelled"
      ? "red"
      : state === "running"
        ? "cyan"
        : state === "retrying"
          ? "yellow"
          : undefined

/** `TypeError: x is not a function`, on one line. */
export const failureLine = (failure: Failure): string => cleanLine(failureText(failure))

/** A status for people. */
export function statusFields(
  { status, input }: Known,
  paint: Paint,
  time: string | undefined,
): [string, string | undefined][] {
  const { startedAt, finishedAt, progress, error } = status
  const color = stateColor(status.state)
  const when = (at: number | undefined) => (at === undefined ? undefined : showTime(at, time))
  const took = startedAt !== undefined && finishedAt !== undefined ? finishedAt - startedAt : undefined
  return [
    ["id", cleanLine(status.id)],
    ["task", cleanLine(status.task)],
    ["queue", cleanLine(status.queue)],
    ["state", color ? paint(color, status.state) : status.state],
    ["attempt", String(status.attempt)],
    ["enqueued", when(status.enqueuedAt)],
    ["due", isEnded(status.state) ? undefined : when(status.dueAt)],
    ["started", when(startedAt)],
    ["finished", when(finishedAt)],
    ["took", took === undefined ? undefined : formatDuration(took)],
    ["worker", status.worker && cleanLine(status.worker)],
    ["parent", status.parent && cleanLine(status.parent)],
    [
      "progress",
      progress && `${progress.value}${progress.data === undefined ? "" : ` ${cleanJson(progress.data)}`}`,
    ],
    ["input", input && cleanJson(input.value)],
    ["result", status.state === "succeeded" ? cleanJson(status.result ?? null) : undefined],
    ["error", error && paint("red", failureLine(error))],
    ["stack", error?.stack && clean(error.stack)],
    ...(status.replays ?? []).map(({ at, error: why }): [string, string] => [
      "replayed",
      `${showTime(at, time)}: ${cleanLine(why)}`,
    ]),
  ]
}

export const statusTable = (known: Known, paint: Paint, time: string | undefined): string =>
  renderFields(statusFields(known, paint, time), paint)
