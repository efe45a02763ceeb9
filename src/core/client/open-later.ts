import type { Clock } from "../kit/clock.ts"
import { type ClientParts, LEFT_ALONE } from "./client.ts"

type Later = Pick<ClientParts, "broker" | "inspector" | "results" | "groups" | "events" | "close">

/**
 * Parts that are opened when they are first used, and tried again at the next use when that failed: what a sender
 * with a spool needs, for it has to start while the store is away.
 */
export function openLater(
  open: () => Promise<Later>,
  clock: Pick<Clock, "monotonic">,
): Later & {
  /**
   * Opens them if they are not, so that the clock is the store's, but not soon after that has failed; whoever uses them
   * soon after is told why.
   */
  ready(): Promise<void>
} {
  let opening: ReturnType<typeof open> | undefined
  let failed: { readonly error: unknown } | undefined
  let failedAt = Number.NEGATIVE_INFINITY
  const hasJustFailed = () => clock.monotonic() - failedAt < LEFT_ALONE
  const opened = () => {
    const before = failed
    failed = undefined
    if (before && hasJustFailed()) return Promise.reject(before.error)
    opening ??= open().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }
  return {
    async ready() {
      if (hasJustFailed()) return
      await opened().catch((error) => {
        failed = { error }
        failedAt = clock.monotonic()
      })
    },
    broker: {
      enqueue: async (envelopes, groups) => (await opened()).broker.enqueue(envelopes, groups),
      cancel: async (ids, how) => (await opened()).broker.cancel(ids, how),
    },
    inspector: { find: async (ids) => (await opened()).inspector.find(ids) },
    results: {
      get: async (ids) => (await opened()).results.get(ids),
      wait: async (id, until, signal) => (await opened()).results.wait(id, until, signal),
    },
    groups: {
      get: async (ids) => (await opened()).groups.get(ids),
      arrivals: async (id, from, max) => (await opened()).groups.arrivals(id, from, max),
    },
    events: {
      position: async (where) => (await opened()).events.position(where),
      read: async (cursor, max) => (await opened()).events.read(cursor, max),
      wait: async (cursor, until, signal) => (await opened()).events.wait(cursor, until, signal),
    },
    close: async () => (await opening?.catch(() => undefined))?.close(),
  }
}
