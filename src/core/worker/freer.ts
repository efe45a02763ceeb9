import type { Broker } from "../contracts/broker.ts"
import type { Limiter, Slot, Wait } from "../contracts/limits.ts"
import type { StoreWatch } from "../observe/store-watch.ts"

/**
 * Gives slots of limits back once what their tasks came to is stored, and wakes those who wait for one. What is given
 * back while a call is under way gathers, and goes with the next.
 */
export interface Freer {
  free(slots: readonly Slot[]): void
  /** Puts tasks into the line; they must have been handed back. */
  park(waits: readonly Wait[]): Promise<void>
  /** Resolves when nothing is left to be given back. */
  idle(): Promise<void>
}

/** Once the signal aborts, slots are left to run out. */
export function createFreer(
  { limits, broker, store }: { limits: Limiter; broker: Broker; store: StoreWatch },
  signal: AbortSignal,
): Freer {
  let gathering: Slot[] = []
  let running: Promise<void> | undefined
  /** Not waited for by those who give back: after a purge of a queue, many in a line may wait no more. */
  const waking = new Set<Promise<void>>()

  /** Makes due who was handed a slot; one that is not waiting any more passes it on. */
  async function wake(handed: readonly Slot[] | undefined): Promise<void> {
    let left = handed ?? []
    while (left.length > 0) {
      const ids = left.map(({ id }) => id)
      const hastened = await store.insist(() => broker.hasten(ids), signal)
      if (!hastened) return
      const woken = new Set(hastened)
      const missed = left.filter(({ id }) => !woken.has(id))
      left = missed.length === 0 ? [] : ((await store.insist(() => limits.free(missed), signal)) ?? [])
    }
  }

  async function flush(): Promise<void> {
    await Promise.resolve()
    while (gathering.length > 0 && !signal.aborted) {
      const slots = gathering
      gathering = []
      const handed = await store.insist(() => limits.free(slots), signal)
      const woken = wake(handed).finally(() => waking.delete(woken))
      waking.add(woken)
    }
    running = undefined
  }

  return {
    free(slots) {
      gathering.push(...slots)
      running ??= flush()
    },
    async park(waits) {
      if (waits.length > 0) await wake(await store.insist(() => limits.park(waits), signal))
    },
    async idle() {
      while (running || waking.size > 0) await Promise.all([running, ...waking])
    },
  }
}
