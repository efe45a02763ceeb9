import type { Broker } from "../contracts/broker.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import type { Settled, Settlement } from "../task/verdict.ts"

/**
 * Group commit without a timer: while one settle is in flight the next ones gather, until they are worth a call beside
 * it, where the store likes that. No delay when idle, full batches under load, nothing to tune. While the store is away
 * the settlements are kept and tried again, for a lease that ran out but was not reclaimed may still settle.
 */
export interface Settler {
  /** Resolves with the store's answer; with "stale" when it was given up. Never rejects. */
  settle(settlement: Settlement): Promise<Settled>
  /** The same, for the hot path: `answer` is called in place of a promise. */
  put(settlement: Settlement, answer: (settled: Settled) => void): void
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
/** So many are worth a call beside one that is under way. */
const WORTH = 100

/** A settler with nothing to do yet. */
export function createSettler(broker: Broker, store: StoreWatch): Settler {
  const { settlesAtOnce = 1 } = broker
  let gathering: Waiting[] = []
  let inFlight = 0
  let calls = 0
  let due = false
  let idle: PromiseWithResolvers<void> | undefined
  const quit = new AbortController()

  const mayCall = () =>
    gathering.length > 0 && (calls === 0 || (calls < settlesAtOnce && gathering.length >= WORTH))

  function send(): void {
    due = false
    if (quit.signal.aborted) for (const { answer } of gathering.splice(0)) answer("stale")
    while (mayCall()) void call(take())
    if (calls > 0) return
    idle?.resolve()
    idle = undefined
  }

  function take(): Waiting[] {
    const some = gathering.length > BATCH ? gathering.splice(0, BATCH) : gathering
    if (some === gathering) gathering = []
    return some
  }

  async function call(some: Waiting[]): Promise<void> {
    calls += 1
    inFlight += some.length
    const settlements = some.map(({ settlement }) => settlement)
    const answers = await store.insist(() => broker.settle(settlements), quit.signal)
    for (let at = 0; at < some.length; at++) some[at]?.answer(answers?.[at] ?? "stale")
    calls -= 1
    inFlight -= some.length
    send()
  }

  function put(settlement: Settlement, answer: Waiting["answer"]): void {
    gathering.push({ settlement, answer })
    if (due || !(mayCall() || quit.signal.aborted)) return
    due = true
    // Outcomes that came in one message settle in one round of promises: let them all gather.
    queueMicrotask(send)
  }

  return {
    put,
    settle: (settlement) => new Promise((answer) => put(settlement, answer)),
    pending: () => gathering.length + inFlight,
    async idle() {
      while (due || calls > 0 || gathering.length > 0) {
        idle ??= Promise.withResolvers()
        await idle.promise
      }
    },
    giveUp: () => quit.abort(),
  }
}
