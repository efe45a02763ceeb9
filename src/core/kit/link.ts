import type { Clock, Millis } from "./clock.ts"
import { inTime } from "./deadline.ts"
import { messageOf, type StemError, unavailable } from "./errors.ts"

/**
 * One connection to a server, and the only place that decides when it is made anew. A client library's own
 * reconnecting is to be switched off: two state machines on one socket are how workers come to live without working.
 */
export interface Link<Client> {
  /**
   * Does work on a live connection and answers with it. Not longer than `ms`, connecting included: what takes
   * longer is taken for a dead connection, which is destroyed. Throws `unavailable` then, and when the work failed
   * because of the connection; every other error as it is.
   */
  use<T>(work: (client: Client) => Promise<T>, ms?: Millis): Promise<T>
  /** Whether there is a live connection now. */
  readonly up: boolean
  /** Destroys the connection; the next use makes another one. */
  reset(): void
  /** The same, unless something was answered on it since then, by the monotonic clock. */
  resetIfSilent(since: Millis): void
  /** Ends it for good. Calls under way fail. Safe to call twice. */
  close(): Promise<void>
}

/** What a link has to know of its server. */
export interface LinkOptions<Client> {
  readonly clock: Clock
  /** Makes one connection, ready for work: credentials read anew, authenticated. */
  connect(): Promise<Client>
  /** Ends a connection at once, whatever state it is in. Never throws. */
  destroy(client: Client): void
  /** Whether an error of the work means that the connection, or the server behind it, must be left. */
  broken(error: unknown): boolean
  /** Calls back when the connection ends by itself. */
  onEnd(client: Client, ended: () => void): void
  /** Told when a use was not answered in time, and since when it waited. */
  silent?(since: Millis): void
  /** Where it leads, for messages: `redis://host:6379`, never a secret. */
  readonly where: string
  /** How long a connection attempt may take. */
  readonly connectMs: Millis
  /** How long a use may take unless it says otherwise. */
  readonly callMs: Millis
}

/** Between two connection attempts: from 50 ms, doubled each time, to a second, half of it jitter. */
const FIRST_PAUSE: Millis = 50
const LONGEST_PAUSE: Millis = 1000

/** A link that connects at its first use. */
export function createLink<Client>(options: LinkOptions<Client>): Link<Client> {
  const { clock, where } = options
  const closed = new AbortController()
  let client: Client | undefined
  let connecting: Promise<Client> | undefined
  let failures = 0
  let mayTryAt = 0
  let answeredAt = Number.NEGATIVE_INFINITY

  const drop = (dropped: Client) => {
    if (client === dropped) client = undefined
    options.destroy(dropped)
  }

  const away = (reason: string, cause?: unknown): StemError =>
    unavailable(
      "store_away",
      `${where} can not be reached: ${reason}`,
      "Is it running, and is the address right?",
      cause,
    )

  async function connectOnce(): Promise<Client> {
    const pause = mayTryAt - clock.monotonic()
    if (pause > 0) await clock.sleep(pause, closed.signal)
    if (closed.signal.aborted) throw away("the driver has been closed")
    let late = false
    const attempt = options.connect()
    attempt.then(
      (made) => late && options.destroy(made),
      () => {},
    )
    try {
      const made = await inTime(clock, options.connectMs, attempt)
      if (made === undefined) {
        late = true
        throw away(`no connection within ${options.connectMs} ms`)
      }
      if (closed.signal.aborted) {
        options.destroy(made)
        throw away("the driver has been closed")
      }
      failures = 0
      client = made
      options.onEnd(made, () => {
        if (client === made) client = undefined
      })
      return made
    } catch (error) {
      const pause = Math.min(FIRST_PAUSE * 2 ** failures++, LONGEST_PAUSE)
      mayTryAt = clock.monotonic() + pause * (0.5 + clock.random() / 2)
      throw error
    }
  }

  function connected(): Promise<Client> {
    connecting ??= connectOnce().finally(() => {
      connecting = undefined
    })
    return connecting
  }

  return {
    async use(work, ms = options.callMs) {
      if (closed.signal.aborted) throw unavailable("store_closed", `${where} has been closed`)
      let used: Client | undefined
      const done = { answer: undefined as unknown, yes: false }
      const began = clock.monotonic()
      const call = async () => {
        // What is there is used in this turn: a task may be waiting for it.
        used = client ?? (await connected())
        done.answer = await work(used)
        answeredAt = clock.monotonic()
        done.yes = true
      }
      try {
        await inTime(clock, ms, call())
      } catch (error) {
        if (used !== undefined && options.broken(error)) {
          drop(used)
          throw away(messageOf(error), error)
        }
        throw error
      }
      if (done.yes) return done.answer as Awaited<ReturnType<typeof work>>
      if (used !== undefined) {
        drop(used)
        options.silent?.(began)
      }
      throw away(`no answer within ${ms} ms`)
    },
    get up() {
      return client !== undefined
    },
    reset() {
      if (client !== undefined) drop(client)
    },
    resetIfSilent(since) {
      if (client !== undefined && answeredAt < since) drop(client)
    },
    async close() {
      closed.abort()
      if (client !== undefined) drop(client)
      await connecting?.catch(() => {})
    },
  }
}
