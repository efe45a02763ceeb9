import {
  type ByHand,
  type FiringRecord,
  HISTORY,
  type SchedulePut,
  type ScheduleState,
  type ScheduleTurn,
  type Sent,
  type StoredSchedule,
} from "../../core/contracts/schedules.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { decodeSchedule, encodeSchedule, type Schedule } from "../../core/task/schedule.ts"
import { packEnvelope } from "./packing.ts"

/** How many firings a script keeps of a schedule, as it takes it. */
export const KEPT = String(HISTORY)

/** A definition as scripts/schedule-put.lua takes it. */
export const packPut = ({ schedule, cadence, nextAt }: SchedulePut): string[] => [
  ...[schedule.name, schedule.source, cadence, textOf(nextAt), encodeSchedule(schedule)],
]

/** A turn as scripts/schedule-commit.lua takes it. */
export function packTurn({ lease, firings, state, wakeAt, pause }: ScheduleTurn): string[] {
  const args = [lease.id, String(lease.token), ...packState(state), textOf(wakeAt)]
  args.push(pause === undefined ? "0" : "1", pause ?? "", String(firings.length))
  for (const firing of firings) {
    const times = `${firing.nominalAt} ${firing.firedAt}`
    args.push(String(firing.nominalAt))
    if ("skipped" in firing) args.push(`${times} s ${firing.skipped}`, "s")
    else args.push(`${times} f ${idOf(firing)}`, ...packSent(firing))
  }
  return args
}

/** A firing as scripts/schedule-fire.lua takes it. */
export function packByHand(firing: ByHand): string[] {
  const { name, nominalAt, firedAt } = firing
  const member = `${nominalAt} ${firedAt} h ${idOf(firing)}`
  return [name, String(nominalAt), member, ...packSent(firing)]
}

/** What can be changed without knowing the rest stands beside it. */
function packState({ nextAt, held, failures, ...rest }: ScheduleState): string[] {
  return [textOf(nextAt), textOf(held), String(failures), JSON.stringify(rest)]
}

/** The state, of its texts in the order of {@link packTurn}: next, held, failures and rest. */
export function unpackState([nextAt, held, failures, rest]: readonly string[]): ScheduleState {
  return {
    ...(nextAt && { nextAt: Number(nextAt) }),
    ...(held && { held: Number(held) }),
    failures: Number(failures),
    ...(JSON.parse(rest as string) as Pick<ScheduleState, "runs" | "open">),
  }
}

/** What scripts/schedule-read.lua answers of one. One that can not be read is left out: the next claim pauses it. */
export function unpackStored(parts: readonly string[]): StoredSchedule | undefined {
  const [definition, ...state] = parts as [string, ...string[]]
  if (definition === "") return undefined
  const schedule = readSchedule(definition)
  if (schedule instanceof Error) return undefined
  const [paused, why] = parts.slice(5) as [string, string]
  return {
    schedule,
    state: unpackState(state),
    ...(paused !== "" && { paused: { at: Number(paused), why } }),
  }
}

/** A schedule, or the reason why it can not be read. */
export function readSchedule(text: string): Schedule | Error {
  try {
    return decodeSchedule(text)
  } catch (error) {
    return error as Error
  }
}

/** A line of a history; scripts/schedule-books.lua says what stands in it. */
export function unpackFiring(member: string): FiringRecord {
  const [nominal, fired, kind] = member.split(" ", 3) as [string, string, string]
  const text = member.slice(nominal.length + fired.length + kind.length + 3)
  const [nominalAt, firedAt] = [Number(nominal), Number(fired)]
  return {
    ...{ nominalAt, firedAt, latenessMs: firedAt - nominalAt },
    ...(kind === "s" ? { skipped: text } : { id: text }),
    ...(kind === "h" && { byHand: true }),
  }
}

const textOf = (at: Millis | undefined) => (at === undefined ? "" : String(at))

const idOf = (sent: Sent) => ("envelope" in sent ? sent.envelope.id : sent.id)

const packSent = (sent: Sent) => ("envelope" in sent ? ["e", ...packEnvelope(sent.envelope)] : ["i"])
