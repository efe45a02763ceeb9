/**
 * How dead letters are shown. The field names are what scripts rely on.
 */
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { failureJson } from "../shell/status.ts"
import { isoOrNull } from "../shell/times.ts"

export const letterJson = (letter: DeadLetter) => ({
  id: letter.id,
  task: letter.task,
  queue: letter.queue,
  error: failureJson(letter.error),
  attempts: letter.attempts,
  diedAt: isoOrNull(letter.diedAt),
  input: letter.envelope?.input ?? null,
  ...(letter.raw !== undefined && { raw: letter.raw }),
})

export const replaysJson = ({ replays }: DeadLetter) =>
  replays.map(({ at, diedAt, error }) => ({ at: isoOrNull(at), diedAt: isoOrNull(diedAt), error }))
