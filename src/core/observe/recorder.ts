import type { EventLog, EventRetention } from "../contracts/events.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { inTime } from "../kit/deadline.ts"
import { StemError } from "../kit/errors.ts"
import type { StoredEvent } from "../task/event.ts"

/**
 * Brings events to the store beside the work. The first after a rest goes a moment later, so that telling of a task is
 * not in its way; while it is on its way, and a moment longer, the next ones gather, so that a busy worker pays for some forty batches a second and no more. It keeps nobody waiting and throws nothing at anybody. While the store is away events wait, so many at
 * most; what is more is dropped, counted and said: in the log itself, and to whoever is told.
 */
export interface Recorder {
  record(event: StoredEvent): void
  /** Resolves when everything recorded so far is stored, or dropped. */
  idle(): Promise<void>
  /** Stores what is pending, if the store takes it within a moment; what is recorded later is lost. */
  close(): Promise<void>
  /** Told how many were dropped, once the store is back. */
  dropped: (count: number) => void
}

const BATCH = 1000
/** How long the first waits. */
const STANDBACK: Millis = 5
/** How long more may come before a batch that is not full goes. */
const GATHER: Millis = 25
/** Some tens of megabytes at the very most. */
const WAITING_MOST = 50_000
const FIRST_PAUSE: Millis = 50
const LONGEST_PAUSE: Millis = 1000
/** How long a process that ends waits for its last events. */
const FAREWELL: Millis = 2000
/** The log is let grow by so much before its oldest go, so that they go in bunches. */
const SLACK = 1.1

/** A recorder with nothing to bring yet. */
export function createRecorder(log: EventLog, { keep, ageMs }: EventRetention, clock: Clock): Recorder {
  /** In batches as they will go, so that none is copied on its way; the last may have room. */
  const waiting: StoredEvent[][] = []
  let count = 0
  let dropped = 0
  let running: Promise<void> | undefined
  const over = new AbortController()
  let hurry = new AbortController()

  const recorder: Recorder = {
    dropped: () => {},
    record(event) {
      if (over.signal.aborted) return
      if (count >= WAITING_MOST) dropped += 1
      else add(event)
      running ??= bring()
    },
    async idle() {
      hurry.abort()
      while (running) await running
      if (!over.signal.aborted) hurry = new AbortController()
    },
    async close() {
      await inTime(clock, FAREWELL, recorder.idle())
      over.abort()
    },
  }

  function add(event: StoredEvent): void {
    const last = waiting.at(-1)
    if (last && last.length < BATCH) last.push(event)
    else waiting.push([event])
    count += 1
  }

  async function bring(): Promise<void> {
    // A task that was just stored or begun is on its way somewhere: telling of it is not to be in the way.
    await clock.sleep(STANDBACK, hurry.signal)
    let pause = FIRST_PAUSE
    for (let batch = waiting.shift(); batch && !over.signal.aborted; batch = waiting.shift()) {
      count -= batch.length
      try {
        const { kept } = await log.append(batch)
        pause = FIRST_PAUSE
        if (kept > keep * SLACK) await log.prune({ keep, before: clock.now() - ageMs })
        tellDropped()
        if ((waiting[0]?.length ?? 0) < BATCH) await clock.sleep(GATHER, hurry.signal)
      } catch (error) {
        // What the store will never take is dropped and told, so that it does not stand in the way of what comes after.
        if (!(error instanceof StemError && error.kind === "unavailable")) {
          dropped += batch.length
          continue
        }
        waiting.unshift(batch)
        count += batch.length
        await clock.sleep(pause, over.signal)
        pause = Math.min(pause * 2, LONGEST_PAUSE)
      }
    }
    running = undefined
  }

  function tellDropped(): void {
    if (dropped === 0) return
    add({ kind: "dropped", at: clock.now(), count: dropped })
    recorder.dropped(dropped)
    dropped = 0
  }

  return recorder
}
