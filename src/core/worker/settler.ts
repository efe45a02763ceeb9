import type { Broker } from "../contracts/broker.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import type { Settled, Settlement } from "../task/verdict.ts"

/**
 * Group commit without a timer: while one settle is in flight the next ones gather. No delay when idle, full
 * batches under load, nothing to tune. While the store is away the settlements are kept and tried again, for a
 * lease that ran out but was not reclaimed may still settle.
 */
export interface Settler {
  /** Resolves with the store's answer; with "stale" when it was given up. Never rejects. */
  settle(settlement: Settlement): Promise<Settled>
  /** Settlements the store has not answered yet. */
  pending(): number
  /** Resolves when nothing is pending. */
  idle(): Promise<void>
  /** Stops trying: what is pending is left to whoever reclaims it. */
  giveUp(): void
}

interface Waiting {
  readonly settlement: Settlement
  readonly answer: (settled: Settled) => void
}

/** Settlements in one call to the store. */
const BATCH = 1000

/** A settler with nothing to do yet. */
export function createSettler(broker: Broker, store: StoreWatch): Settler {
  const gathering: Waiting[] = []
  let inFlight: Waiting[] = []
  let running: Promise<void> | undefined
  const quit = new AbortController()

  async function flush(): Promise<void> {
    // Outcomes that came in one message settle in one round of promises: let them all gather.
    await Promise.resolve()
    while (gathering.length > 0 && !quit.signal.aborted) {
      inFlight = gathering.splice(0, BATCH)
      const settlements = inFlight.map(({ settlement }) => settlement)
      const answers = await store.insist(() => broker.settle(settlements), quit.signal)
      inFlight.forEach(({ answer }, at) => {
        answer(answers?.[at] ?? "stale")
      })
      inFlight = []
    }
    for (const { answer } of gathering.splice(0)) answer("stale")
    running = undefined
  }

  return {
    settle(settlement) {
      return new Promise((answer) => {
        gathering.push({ settlement, answer })
        running ??= flush()
      })
    },
    pending: () => gathering.length + inFlight.length,
    async idle() {
      while (running) await running
    },
    giveUp: () => quit.abort(),
  }
}
