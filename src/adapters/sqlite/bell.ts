import { type FSWatcher, watch } from "node:fs"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import { alarm } from "../../core/kit/deadline.ts"
import type { Connection } from "./connection.ts"

/** Tells those who wait that the store has changed, in this process or another. */
export interface Bell {
  /** A count that grows with every change. Take it before looking, and wait with it: nothing between is missed. */
  heard(): number
  /** This process has committed. */
  ring(): void
  /** Resolves as soon as the count is above `heard`, after `ms`, or when the signal aborts. */
  next(heard: number, ms: Millis, signal?: AbortSignal): Promise<void>
  close(): void
}

/** The safety net, should the watcher be deaf: a network drive, a WAL file made anew. */
const POLL_MS = 500

/** The WAL is written before the commit shows; how long after the last write to look, over and over. */
const LOOK_AFTER_MS = [1, 1, 2, 4, 8, 16, 32, 64, 128]

/**
 * Every commit of any process writes the WAL file, which wakes a watcher of it; `PRAGMA data_version`, at 2 µs,
 * then says when that commit can be seen. Both cost nothing while nobody writes.
 */
export function createBell(connection: Connection, clock: Clock, pollMs: Millis = POLL_MS): Bell {
  const version = connection.sql("PRAGMA data_version")
  const listeners = new Set<() => void>()
  let count = 0
  let seen = -1
  let watcher: FSWatcher | undefined
  let poll: ReturnType<typeof setInterval> | undefined
  let looking: ReturnType<typeof setTimeout> | undefined
  /** The WAL was written while nobody listened; its commit may still be to come. */
  let unseenWrite = false
  let closed = false

  function wakeAll(): void {
    count += 1
    for (const wake of listeners) wake()
  }

  function changedElsewhere(): boolean {
    if (closed) return false
    const now = version.one<{ data_version: number }>()?.data_version ?? 0
    if (now === seen) return false
    seen = now
    wakeAll()
    return true
  }

  /** What it sees first may be the commit before the one whose write it heard, so it goes on looking. */
  function lookAgainAndAgain(step: number): void {
    clearTimeout(looking)
    looking = undefined
    unseenWrite = listeners.size === 0
    if (unseenWrite) return
    changedElsewhere()
    const delay = LOOK_AFTER_MS[step]
    if (delay === undefined) return
    looking = setTimeout(() => lookAgainAndAgain(step + 1), delay)
    looking.unref()
  }

  function listen(): void {
    if (poll || closed) return
    poll = setInterval(() => {
      if (listeners.size === 0) return
      if (!watcher) startWatching()
      changedElsewhere()
    }, pollMs)
    poll.unref()
    startWatching()
  }

  function startWatching(): void {
    try {
      watcher = watch(`${connection.path}-wal`, { persistent: false }, (event) => {
        if (event === "rename") stopWatching()
        lookAgainAndAgain(0)
      })
      watcher.on("error", stopWatching)
    } catch {
      // The file is not there yet, or the system has no watches left: the poll goes on and tries again.
    }
  }

  function stopWatching(): void {
    watcher?.close()
    watcher = undefined
  }

  return {
    heard() {
      changedElsewhere()
      return count
    },

    ring: wakeAll,

    async next(heard, ms, signal) {
      if (count > heard || closed || signal?.aborted) return
      listen()
      const bell = alarm()
      const wake = bell.ring
      listeners.add(wake)
      if (unseenWrite) lookAgainAndAgain(0)
      signal?.addEventListener("abort", wake, { once: true })
      // A commit between the caller's look and the watcher's start has left its mark in the version.
      if (!changedElsewhere()) await clock.sleep(ms, bell)
      signal?.removeEventListener("abort", wake)
      listeners.delete(wake)
    },

    close() {
      closed = true
      clearInterval(poll)
      clearTimeout(looking)
      stopWatching()
      wakeAll()
    },
  }
}
