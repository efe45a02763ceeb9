import { formatDuration } from "../../core/kit/duration.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import { isEnded } from "../../core/task/status.ts"
import type { Stores } from "../../stem.ts"
import { unknownTask } from "../result.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG, WATCH_FLAG } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { findTask, statusFields, statusJson } from "../shell/status.ts"
import { withStores } from "../shell/stores.ts"
import { renderFields } from "../shell/table.ts"
import { cleanJson } from "../shell/terminal.ts"
import { isoOrNull, showTime } from "../shell/times.ts"
import { showOrWatch } from "../shell/watch.ts"

export default defineCommand({
  usage: "<id>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem inspect task 0199…", "its status, and what its sender said about it"],
    ["stem inspect task 0199… -o json", "for programs"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...WATCH_FLAG, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, ({ stores, client }) =>
      showOrWatch(shell, flags.watch, async () => {
        const id = operands[0] as string
        const known = await findTask(stores, client, id)
        if (!known) throw unknownTask(id)
        const envelope = await envelopeOf(stores, id, isEnded(known.status.state))
        await showOne(shell, flags.output, {
          json: () => ({ ...statusJson(known), ...(envelope && sentJson(envelope)) }),
          name: () => known.status.id,
          table: () =>
            renderFields(
              [
                ...statusFields(known, shell.paint, flags.time),
                ...(envelope ? sentFields(envelope, flags.time) : []),
              ],
              shell.paint,
            ),
        })
        return EXIT.done
      }),
    ),
})

/** What was sent; an ended task that is no dead letter is remembered without it. */
async function envelopeOf({ inspector }: Stores, id: string, ended: boolean): Promise<Envelope | undefined> {
  if (ended) return (await inspector.deadLetters.get(id))?.envelope
  return (await inspector.find([id]))[0]?.envelope
}

const sentJson = ({ priority, expiresAt, retry, timeLimits, headers }: Envelope) => ({
  priority,
  expiresAt: isoOrNull(expiresAt),
  retries: retry?.max ?? null,
  timeoutMs: timeLimits?.hardMs ?? null,
  softTimeoutMs: timeLimits?.softMs ?? null,
  headers,
})

function sentFields(
  { priority, expiresAt, retry, timeLimits, headers }: Envelope,
  time: string | undefined,
): [string, string | undefined][] {
  const length = (ms: number | undefined) => (ms === undefined ? undefined : formatDuration(ms))
  return [
    ["priority", String(priority)],
    ["expires", expiresAt === undefined ? undefined : showTime(expiresAt, time)],
    ["retries", retry?.max === undefined ? undefined : String(retry.max)],
    ["timeout", length(timeLimits?.hardMs)],
    ["soft timeout", length(timeLimits?.softMs)],
    ["headers", Object.keys(headers).length === 0 ? undefined : cleanJson(headers)],
  ]
}
