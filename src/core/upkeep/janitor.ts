import type { Retention } from "../config/config.ts"
import type { EventLog, EventRetention } from "../contracts/events.ts"
import type { Groups } from "../contracts/groups.ts"
import type { Inspector } from "../contracts/inspector.ts"
import type { Limiter } from "../contracts/limits.ts"
import type { LockStore } from "../contracts/locks.ts"
import type { Notes } from "../contracts/notes.ts"
import type { ResultBackend } from "../contracts/results.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import type { Listener } from "../observe/events.ts"
import { toFailure } from "../task/failure.ts"
import { inTurn } from "./turn.ts"

/** What a janitor works on. */
export interface JanitorParts {
  readonly results: ResultBackend
  readonly inspector: Pick<Inspector, "deadLetters" | "forgetKeys">
  readonly groups: Groups
  readonly notes: Notes
  readonly retention: Retention
  readonly events?: Pick<EventLog, "prune"> | undefined
  /** Absent: events are left as they are. */
  readonly eventRetention?: EventRetention | undefined
  readonly limits: Pick<Limiter, "prune">
  readonly locks: LockStore
  /** Gives back a piece of what is empty, and answers whether there is more. */
  giveBack?(): Promise<boolean>
  /** Who takes the lock. */
  readonly holder: string
  readonly clock: Clock
  readonly emit: Listener
}

/** Between two rounds. Every worker has a janitor, and one of them is enough: it has a lock meanwhile. */
const EVERY: Millis = 60_000
const ALONE: Millis = EVERY * 0.7
/** Removed in one call, so that no transaction is long; and the pause after a full batch, so that work goes first. */
const BATCH = 1000
const PAUSE: Millis = 20

/** Removes what is past its retention, in bounded batches, until the signal aborts. */
export async function janitor(parts: JanitorParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await parts.clock.sleep(EVERY * (0.75 + parts.clock.random() / 2), signal)
    if (signal.aborted) return
    try {
      const turn = { locks: parts.locks, name: "janitor", holder: parts.holder, ms: ALONE }
      await inTurn(turn, signal, async (goOn) => void (await sweep(parts, signal, goOn)))
    } catch (error) {
      parts.emit({ kind: "upkeep_failed", error: toFailure(error) })
    }
  }
}

/** One round: everything that is past its retention now, as long as it may go on. Answers how much was removed. */
export async function sweep(
  {
    results,
    inspector,
    groups,
    notes,
    retention,
    events,
    eventRetention,
    limits,
    giveBack,
    clock,
    emit,
  }: JanitorParts,
  signal: AbortSignal,
  goOn: () => Promise<boolean>,
): Promise<{ statuses: number; deadLetters: number }> {
  const now = clock.now()
  const batches = async (remove: () => Promise<number>) => {
    let total = 0
    while (!signal.aborted) {
      const removed = await remove()
      total += removed
      if (removed < BATCH || !(await goOn())) break
      await clock.sleep(PAUSE, signal)
    }
    return total
  }
  const removed = {
    statuses: await batches(() =>
      results.prune({
        succeededBefore: now - retention.successesMs,
        otherBefore: now - retention.failuresMs,
        max: BATCH,
      }),
    ),
    deadLetters: await batches(() => inspector.deadLetters.prune(now - retention.deadLettersMs, BATCH)),
  }
  const old = now - retention.failuresMs
  await batches(() => groups.prune(old, BATCH))
  await batches(() => notes.prune(old, BATCH))
  await batches(() => inspector.forgetKeys(BATCH))
  // What is damaged is told, and not in the way of what comes after it.
  const found = await groups.sweep(BATCH).catch((error) => {
    if ((error as { code?: unknown }).code !== "damaged_group") throw error
    emit({ kind: "upkeep_failed", error: toFailure(error) })
    return []
  })
  if (found.length > 0) emit({ kind: "groups_mended", groups: found.map(({ id }) => id) })
  await batches(() => limits.prune(BATCH))
  if (events && eventRetention) {
    const how = { keep: eventRetention.keep, before: now - eventRetention.ageMs }
    while (!signal.aborted && (await events.prune(how)) > 0) await clock.sleep(PAUSE, signal)
  }
  while (!signal.aborted && (await giveBack?.()) && (await goOn())) await clock.sleep(PAUSE, signal)
  if (removed.statuses + removed.deadLetters > 0) emit({ kind: "pruned", ...removed })
  return removed
}
