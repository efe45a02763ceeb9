import type { ClaimedSchedule } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import { until, within } from "../kit/deadline.ts"
import { createStoreWatch, type StoreWatch } from "../observe/store-watch.ts"
import { watchClock } from "./clock-watch.ts"
import { passFirings } from "./passing.ts"
import { recallMisled, recallOverdue } from "./recall.ts"
import { readEnds, type TurnParts, tell, turnsOf } from "./turn.ts"

/** What a Beat is made of. */
export interface BeatParts extends TurnParts {
  /** Unique among all Beats there ever were; the holder of its leases. */
  readonly holder: string
  /** Told after each successful claim: the loop makes progress. Must not throw. */
  readonly progress?: ((store: StoreWatch) => void) | undefined
  /**
   * Told before each call to the store that the loop waits for, also when the one before was refused. A loop in which
   * a call never comes back is silent. Must not throw.
   */
  readonly turned?: (() => void) | undefined
}

/** How long a schedule is this Beat's without a sign of life: after so long another one decides. */
const LEASE: Millis = 4000
/** How long before its end a lease is no longer trusted. */
const MARGIN: Millis = 1000
/** Schedules decided in one call to the store. */
const BATCH = 1000
/** The safety net under wake-ups that never arrive and clocks that jump. */
const POLL: Millis = 5000

/**
 * Fires what is due: claims schedules, decides, commits, and sleeps until the next is due or the store rings. Any
 * number of Beats may run on one store, and each may be killed at any point: what it held is decided by another, and
 * an instant that has fired does not fire again. Returns when the signal aborts; never rejects.
 */
export async function beat(parts: BeatParts, signal: AbortSignal): Promise<void> {
  const { schedules, clock, emit, holder } = parts
  const store = createStoreWatch(emit, clock)
  const jumped = watchClock(clock)
  // A clock that was hours ahead may have been corrected while nobody was there.
  if (!(await store.insist(() => recallMisled(schedules, clock.now()), signal))) return
  let began = 0
  let refused = false
  const claimed = async () => {
    parts.turned?.()
    // Of the attempt that succeeds: those before it may have been refused for hours.
    began = clock.monotonic()
    try {
      return await schedules.claim({ max: BATCH, holder, leaseMs: LEASE })
    } catch (error) {
      refused = true
      throw error
    }
  }
  const next = () => store.insist(claimed, signal)
  const ahead: { claim?: ReturnType<typeof next> | undefined } = {}
  while (ahead.claim || !signal.aborted) {
    const byMs = jumped()
    if (byMs !== undefined) {
      emit({ kind: "clock_jumped", byMs })
      if (byMs < 0) await store.insist(() => recallMisled(schedules, clock.now()), signal)
    }
    const claim = await (ahead.claim ?? next())
    ahead.claim = undefined
    if (!claim) break
    parts.progress?.(store)
    if (claim.due.length > 0) {
      // Where more may be due the next are claimed while these are stored.
      const meanwhile = () => {
        if (claim.due.length === BATCH && !signal.aborted) ahead.claim = next()
      }
      await fire(parts, store, claim.due, began + LEASE - MARGIN, meanwhile, signal)
      continue
    }
    if (refused) {
      // A claim that was refused may have been stored, and its answer lost: nobody else would decide for a while.
      refused = false
      if (await store.attempt(() => recallOverdue(schedules, clock.now()))) continue
    }
    parts.turned?.()
    const now = clock.now()
    const instant = Math.min(claim.wakeAt ?? Number.POSITIVE_INFINITY, now + POLL)
    const wait = (over: AbortSignal) => schedules.wait(instant, over)
    await store.attempt(() => until(clock, instant, wait, signal).then(() => true))
  }
}

async function fire(
  parts: BeatParts,
  store: StoreWatch,
  claimed: readonly ClaimedSchedule[],
  trustedUntil: Millis,
  /** Called once the last call to the store is under way. */
  meanwhile: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { schedules, broker, clock, emit } = parts
  /** As long as the leases can be trusted; what is not stored by then is left to the next claim. */
  const insist = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    const first = clock.monotonic() < trustedUntil ? await store.attempt(call) : undefined
    if (first !== undefined) return first
    const left = Math.max(0, trustedUntil - clock.monotonic())
    return within(clock, left, (late) => store.insist(call, AbortSignal.any([late, signal])))
  }
  const endOf = await insist(() => readEnds(parts, claimed))
  if (!endOf) return
  const turns = turnsOf(claimed, endOf, Math.floor(clock.now()), parts.router)
  const decided = parts.pass ? await passFirings(parts.pass, turns, emit) : turns
  const cancel = decided.flatMap((one) => one.cancel)
  if (cancel.length > 0 && !(await insist(() => broker.cancel(cancel, { terminate: false })))) return
  const committing = insist(() => schedules.commit(decided.map(({ turn }) => turn)))
  meanwhile()
  const answers = await committing
  decided.forEach((one, at) => {
    const answer = answers?.[at]
    if (answer) tell(emit, one, answer)
  })
}
