import type { Isolates } from "../contracts/isolates.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { within } from "../kit/deadline.ts"
import type { Settler } from "./settler.ts"
import type { Slots } from "./slots.ts"

/** What is taken down, and how patiently. */
export interface ShutdownParts {
  readonly clock: Clock
  readonly slots: Slots
  readonly isolates: Isolates
  readonly settler: Settler
  readonly graceMs: Millis
  /** Aborts every handler that still runs. */
  readonly abort: () => void
  /** Aborted when somebody is in a hurry. */
  readonly hurry: AbortSignal
}

/** How long an aborted handler has to stop by itself before its isolate is killed. */
const ABORT_GRACE: Millis = 500
/** How long a leaving worker waits for a store that does not answer; the leases then run out by themselves. */
export const FAREWELL: Millis = 5000

/**
 * The ladder after the worker has stopped taking work: let finish for the grace, abort, kill, hand back. Every
 * step has its end, so leaving never hangs. Answers whether anything was handed back unfinished.
 */
export async function shutdown(parts: ShutdownParts): Promise<{ forced: boolean }> {
  const { clock, slots, isolates, settler, hurry } = parts
  const finished = await within(clock, parts.graceMs, async (late) => {
    await slots.allFree(AbortSignal.any([late, hurry]))
    return !late.aborted && !hurry.aborted
  })
  if (!finished) {
    parts.abort()
    await within(clock, ABORT_GRACE, slots.allFree)
  }
  await isolates.stop()
  await within(clock, FAREWELL, slots.allFree)
  await within(clock, FAREWELL, settler.idle)
  settler.giveUp()
  return { forced: !finished }
}
