import type { AbortReason, Job } from "../../core/contracts/isolates.ts"
import type { Failure } from "../../core/task/failure.ts"
import type { Outcome } from "../../core/task/outcome.ts"
import type { Ended } from "./process.ts"
import type { WireRuns } from "./protocol.ts"

/** One run in the supervisor, from the call of run() to its one outcome. */
export interface Run {
  readonly number: number
  readonly job: Job
  resolve(outcome: Outcome): void
  /** Asked for so far; a run that has not reached a handler ends by it. */
  aborted?: AbortReason
  /** How it will end when its isolate does: it is the one the isolate is killed for. */
  fate?: Outcome
  hardTimer?: ReturnType<typeof setTimeout>
}

/** Adds a run to a parcel's: to the last of them when it is like those. */
export function packRun(into: WireRuns[], { number, job }: Run): void {
  const { delivery, maxAttempts, softMs = 0, hardMs = 0 } = job
  const { envelope, lease, attempt } = delivery
  const { task, id, queue, input } = envelope
  const headers = isEmpty(envelope.headers) ? 0 : envelope.headers
  const last = into.at(-1)
  if (
    last &&
    headers === 0 &&
    last[5] === 0 &&
    last[0] === task &&
    last[1] === queue &&
    last[2] === attempt &&
    last[3] === maxAttempts &&
    last[4] === lease.token &&
    last[6] === softMs &&
    last[7] === hardMs
  )
    last[8].push(number, id, input)
  else
    into.push([task, queue, attempt, maxAttempts, lease.token, headers, softMs, hardMs, [number, id, input]])
}

function isEmpty(headers: object): boolean {
  for (const _ in headers) return false
  return true
}

/** The outcome of a run that was aborted before a handler saw it. */
export const unstarted = (reason: AbortReason): Outcome =>
  reason === "cancelled" ? { kind: "cancelled" } : { kind: "interrupted" }

export const INTERRUPTED: Outcome = Object.freeze({ kind: "interrupted" })
export const CANCELLED: Outcome = Object.freeze({ kind: "cancelled" })

export const hardTimeLimit = (hardMs: number): Outcome => ({
  kind: "failed",
  error: {
    name: "HardTimeLimit",
    code: "hard_time_limit",
    message: `the hard time limit of ${hardMs} ms has passed`,
  },
  names: ["HardTimeLimit"],
})

export const crashed = ({ reason }: Ended): Outcome => lost("isolate_crashed", `its process died: ${reason}`)

export const exited = (code: number): Outcome => lost("isolate_exited", `it called process.exit(${code})`)

const lost = (code: string, message: string): Outcome => ({
  kind: "lost",
  error: { name: "IsolateCrashed", code, message } satisfies Failure,
})
