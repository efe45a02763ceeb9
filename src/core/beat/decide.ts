import type { ScheduleState } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import type { TaskId } from "../task/envelope.ts"
import type { Schedule } from "../task/schedule.ts"
import type { EndState } from "../task/status.ts"
import { firingId } from "./firing.ts"

/** The instants that have come, after the misfire policy, and the one that is to come. */
export interface DueInstants {
  readonly fire: readonly Millis[]
  readonly skip: readonly Skip[]
  readonly nextAt?: Millis | undefined
  /** The last firing was named by a clock that was wrong. */
  readonly corrected?: boolean | undefined
}

/** An instant that does not fire, and why. */
export interface Skip {
  readonly nominalAt: Millis
  readonly reason: string
}

/** What is known of the task of an earlier firing; undefined: nothing. */
export type EndOf = (id: TaskId) => EndState | "live" | undefined

/** What is to be done about a schedule now. */
export interface Decision {
  readonly fire: readonly Millis[]
  readonly skip: readonly Skip[]
  /** Tasks of earlier firings that give way to these. */
  readonly cancel: readonly TaskId[]
  readonly state: ScheduleState
  /** When to look again. */
  readonly wakeAt?: Millis | undefined
  /** Why it is paused. */
  readonly pause?: string | undefined
}

/** How often it is looked whether the tasks that a held instant waits for have ended. */
const LOOK: Millis = 500
/** Tasks without a known end that are remembered; only the latest matter. */
const OPEN = 20
/** The same where their ends decide nothing. */
const LAX_OPEN = 3

/** Whether a schedule's next firing hangs on how its earlier tasks have ended. */
export const endsMatter = ({ overlap, pauseAfterFailures }: Schedule): boolean =>
  overlap !== "allow" || pauseAfterFailures !== undefined

/** Decides by what became of the earlier firings: failures, overlap and the most runs. */
export function decide(
  schedule: Schedule,
  before: ScheduleState,
  due: DueInstants,
  endOf: EndOf,
  now: Millis,
): Decision {
  const { name, overlap, maxRuns = Number.POSITIVE_INFINITY, pauseAfterFailures } = schedule
  const { failures, open: stillOpen } = countEnds(before, endOf)
  if (pauseAfterFailures !== undefined && failures >= pauseAfterFailures) {
    const state = { ...before, failures, open: stillOpen }
    return { fire: [], skip: [], cancel: [], state, pause: `${failures} failures one after the other` }
  }

  const fire: Millis[] = []
  const skip: Skip[] = [...due.skip]
  const cancel: TaskId[] = []
  let open = stillOpen
  let { held, lastAt, lastId } = due.corrected ? { ...before, lastAt: undefined, lastId: undefined } : before

  const fireNow = (nominalAt: Millis) => {
    fire.push(nominalAt)
    lastAt = nominalAt
    lastId = firingId(name, nominalAt)
    open = [...open, lastId]
  }
  const isOver = () => before.runs + fire.length >= maxRuns

  if (held !== undefined && open.length === 0 && !isOver()) {
    fireNow(held)
    held = undefined
  }
  for (const [at, nominalAt] of due.fire.entries()) {
    if (isOver()) break
    if (overlap === "allow" || open.length === 0) fireNow(nominalAt)
    else if (overlap === "skip")
      skip.push({ nominalAt, reason: "the task of an earlier firing has not ended" })
    else if (overlap === "queue-one") {
      if (held === undefined) held = nominalAt
      else skip.push({ nominalAt, reason: "another firing waits already for the task before it" })
    } else if (at < due.fire.length - 1) skip.push({ nominalAt, reason: "a later firing takes its place" })
    else {
      cancel.push(...open)
      open = []
      fireNow(nominalAt)
    }
  }

  if (isOver()) held = undefined
  const nextAt = isOver() ? undefined : due.nextAt
  const look = held === undefined ? undefined : Math.min(nextAt ?? Number.POSITIVE_INFINITY, now + LOOK)
  const wakeAt = look ?? nextAt
  return {
    ...{ fire, skip: skip.sort((a, b) => a.nominalAt - b.nominalAt), cancel },
    state: {
      ...(nextAt !== undefined && { nextAt }),
      ...(lastAt !== undefined && { lastAt, lastId }),
      ...{
        runs: before.runs + fire.length,
        failures,
        open: open.slice(endsMatter(schedule) ? -OPEN : -LAX_OPEN),
      },
      ...(held !== undefined && { held }),
    },
    ...(wakeAt !== undefined && { wakeAt }),
  }
}

/** A success ends a row of failures; a task that was cancelled or expired, or is not known any more, does neither. */
function countEnds(
  { failures, open }: ScheduleState,
  endOf: EndOf,
): { failures: number; open: readonly TaskId[] } {
  let row = failures
  const left = open.filter((id) => {
    const end = endOf(id)
    if (end === "failed") row += 1
    else if (end === "succeeded") row = 0
    return end === "live"
  })
  return { failures: row, open: left }
}
