import type { LimitKeyAsk, LimitKeys } from "../../core/contracts/isolates.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import { within } from "../../core/kit/deadline.ts"
import type { Isolate } from "./isolate-handle.ts"

/** How long a batch may take; then each key for itself. */
const BATCH_WITHIN: Millis = 1000
const ONE_WITHIN: Millis = 500

/** A task whose function did not come to an end is kept apart for so long. */
const APART: Millis = 60_000

/**
 * Makes keys of limits in an isolate of its own, which no handler keeps waiting, and which is started when it is needed.
 * Functions that lately did not come to an end run in another one, which keeps nobody else waiting.
 */
export interface KeyMaker {
  make(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]>
  /** The modules are to be read anew; resolves when that is done, where they are `needed` at once. */
  renew(needed: boolean): Promise<void>
}

interface Parts {
  launch(): Isolate
  readonly clock: Clock
}

/** A function that does not come to an end is killed with its process, and fails its own task alone. */
export function createKeyMaker(parts: Parts): KeyMaker {
  const { clock } = parts
  /** Until when, by task. */
  const suspects = new Map<string, Millis>()
  const isSuspect = ({ task }: LimitKeyAsk) => (suspects.get(task) ?? 0) > clock.monotonic()
  const suspect = ({ task }: LimitKeyAsk) => void suspects.set(task, clock.monotonic() + APART)
  const apart = inTurn(createLane(parts, suspect))
  const trusted = createLane(parts, suspect, { moves: isSuspect, make: (asks) => apart.make(asks) })
  return {
    async make(asks) {
      if (!asks.some(isSuspect)) return trusted.make(asks)
      const lanes = asks.map((ask) => (isSuspect(ask) ? apart : trusted))
      const of = (lane: typeof apart) => asks.filter((_, at) => lanes[at] === lane)
      const [theirs, others] = await Promise.all([apart, trusted].map((lane) => lane.make(of(lane))))
      const made = new Map([
        [apart, theirs?.values()],
        [trusted, others?.values()],
      ])
      return lanes.map((lane) => made.get(lane)?.next().value ?? NO_KEY)
    },
    async renew(needed) {
      suspects.clear()
      apart.drop()
      trusted.drop()
      if (needed) await trusted.ready()
    },
  }
}

interface Lane {
  make(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]>
  drop(): void
  ready(): Promise<void>
}

/** One call after the other: one that kills the isolate does not fail those beside it. */
function inTurn(lane: Lane): Lane {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    ...lane,
    make(asks) {
      const made = turn.then(() => lane.make(asks))
      turn = made.catch(() => {})
      return made
    },
  }
}

/** Where those go that are not to be made here any more. */
interface Elsewhere extends Pick<Lane, "make"> {
  moves(ask: LimitKeyAsk): boolean
}

/** One isolate. */
function createLane(
  { launch, clock }: Parts,
  endless: (ask: LimitKeyAsk) => void,
  elsewhere?: Elsewhere,
): Lane {
  let isolate: Isolate | undefined

  function current(): Isolate {
    const started = isolate ?? launch()
    isolate = started
    void started.gone.then(() => leave(started))
    return started
  }

  function leave(one: Isolate): void {
    if (isolate === one) isolate = undefined
  }

  /** Undefined when it did not answer in time, or died of it: then it is gone. */
  async function tryMake(
    asks: readonly LimitKeyAsk[],
    ms: Millis,
  ): Promise<readonly LimitKeys[] | undefined> {
    const one = current()
    await one.ready
    const made = await within(clock, ms, () => one.makeKeys(asks).catch(() => undefined))
    if (made) return made
    // Others may have got another one meanwhile.
    leave(one)
    one.kill()
    return undefined
  }

  async function alone(ask: LimitKeyAsk): Promise<LimitKeys> {
    const made = (await tryMake([ask], ONE_WITHIN))?.[0]
    if (!made) endless(ask)
    return made ?? NO_KEY
  }

  async function eachAlone(asks: readonly LimitKeyAsk[]): Promise<readonly LimitKeys[]> {
    const made: (LimitKeys | undefined)[] = []
    for (const ask of asks) made.push(elsewhere?.moves(ask) ? undefined : await alone(ask))
    const moved = asks.filter((_, at) => made[at] === undefined)
    const others = ((await elsewhere?.make(moved)) ?? []).values()
    return made.map((one) => one ?? others.next().value ?? NO_KEY)
  }

  return {
    make: async (asks) =>
      asks.length === 0 ? [] : ((await tryMake(asks, BATCH_WITHIN)) ?? (await eachAlone(asks))),
    drop() {
      isolate?.kill()
      isolate = undefined
    },
    ready: async () => void (await current().ready),
  }
}

const NO_KEY: LimitKeys = {
  error: {
    name: "LimitKeyTimeout",
    code: "limit_key_timeout",
    message: `the key of a limit was not made within ${ONE_WITHIN} ms, or its process died of it`,
  },
}
