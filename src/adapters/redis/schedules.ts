import {
  type ClaimedSchedule,
  HISTORY,
  type ScheduleCommitted,
  type SchedulePut,
  type ScheduleStore,
  type ScheduleStored,
} from "../../core/contracts/schedules.ts"
import { batches, CHUNK, chunks } from "./records.ts"
import {
  KEPT,
  packByHand,
  packPut,
  packTurn,
  readSchedule,
  unpackFiring,
  unpackState,
  unpackStored,
} from "./schedule-records.ts"
import type { ScriptName } from "./scripts.ts"
import type { Store } from "./store.ts"

/** So many texts do the scripts that read and claim answer for each schedule. */
const PARTS = 7

export function createSchedules(store: Store): ScheduleStore {
  const { clock, bell, closing, prefix } = store

  /** One batch after the other: what stands later may depend on what stands before it. */
  async function each(script: ScriptName, head: () => string[], items: readonly (readonly string[])[]) {
    const answers: string[] = []
    for (const { args } of batches(items))
      answers.push(...(await store.run<string[]>(script, [...head(), ...args])))
    return answers
  }

  async function read(names: readonly string[]) {
    const found = await Promise.all(
      chunks(names, CHUNK).map((some) => store.run<string[]>("scheduleRead", some)),
    )
    return chunks(found.flat(), PARTS).map(unpackStored)
  }

  /** One that can not be read is paused, unless it has been changed meanwhile. */
  async function unpackClaimed(parts: readonly string[], holder: string, expiresAt: number) {
    const [name, token, definition, ...state] = parts as [string, string, string, ...string[]]
    const schedule = readSchedule(definition)
    if (!(schedule instanceof Error)) {
      const lease = { id: name, holder, token: Number(token), expiresAt }
      return { schedule, state: unpackState(state), lease }
    }
    const why = `it can not be read: ${schedule.message}`
    await store.run("schedulePause", [String(clock.now()), name, why, token])
    return undefined
  }

  const packed = () => [String(clock.now()), KEPT]

  return {
    async put(puts) {
      const answers = await each("schedulePut", () => [""], puts.map(packPut))
      return puts.map((put, at) => storedOf(put, answers[at] as string))
    },

    async sync(source, puts) {
      // One script however many there are: whoever looks sees all of the old ones or all of the new.
      const answers = await store.run<string[]>("schedulePut", [source, ...puts.flatMap(packPut)])
      return {
        stored: puts.map((put, at) => storedOf(put, answers[at] as string)),
        removed: answers.slice(puts.length).sort(),
      }
    },

    remove: (names) =>
      each(
        "scheduleRemove",
        () => [],
        names.map((name) => [name]),
      ),

    get: read,

    async list() {
      const names = await store.use((client) => client.hkeys(`${prefix}schedules`))
      return (await read(names.sort())).flatMap((one) => one ?? [])
    },

    async pause(name, why) {
      return (await store.run<number>("schedulePause", [String(clock.now()), name, why, ""])) === 1
    },

    async resume(name, nextAt) {
      const next = nextAt === undefined ? "" : String(nextAt)
      return (await store.run<number>("scheduleResume", [name, next])) === 1
    },

    async recall(names) {
      await each(
        "scheduleRecall",
        () => [String(clock.now())],
        names.map((name) => [name]),
      )
    },

    async claim({ max, holder, leaseMs }) {
      const due: ClaimedSchedule[] = []
      for (let left = max; left > 0; ) {
        const now = clock.now()
        const expiresAt = now + Math.round(leaseMs)
        const most = Math.min(CHUNK, left)
        const args = [now, expiresAt, most].map(String)
        const [wakeAt, ...rest] = await store.run<[string, ...string[]]>("scheduleClaim", args)
        const claimed = chunks(rest, PARTS)
        for (const parts of claimed) {
          const one = await unpackClaimed(parts, holder, expiresAt)
          if (one) due.push(one)
        }
        if (claimed.length < most) return { due, ...(wakeAt !== "" && { wakeAt: Number(wakeAt) }) }
        left -= most
      }
      return { due }
    },

    async commit(turns) {
      const answers = await each("scheduleCommit", packed, turns.map(packTurn))
      let at = 0
      return turns.map(({ firings }): ScheduleCommitted => {
        if (answers[at++] === "stale") return { kind: "stale" }
        const from = at
        at += firings.length
        return {
          kind: "committed",
          firings: answers.slice(from, at) as ("fired" | "duplicate" | "skipped")[],
        }
      })
    },

    async fire(firings) {
      const answers = await each("scheduleFire", packed, firings.map(packByHand))
      return answers as ("fired" | "duplicate" | "missing")[]
    },

    async history(name, limit) {
      const last = Math.min(limit, HISTORY) - 1
      if (last < 0) return []
      return (await store.range(`${prefix}firings:${name}`, 0, last, "REV")).map(unpackFiring)
    },

    async wait(until, signal) {
      const stop = AbortSignal.any([signal, closing])
      const ear = bell.listen(["s"])
      try {
        while (!stop.aborted) {
          ear.rest()
          await bell.ready()
          const first = await store.run<string>("scheduleWait", [String(clock.now())])
          const wake = Number(first || Number.POSITIVE_INFINITY)
          const now = clock.now()
          if (wake <= now || until <= now) return
          await ear.next(Math.min(wake, until) - now, stop)
        }
      } catch (error) {
        if (!closing.aborted) throw error
      } finally {
        ear.close()
      }
    },
  }
}

function storedOf({ schedule: { name } }: SchedulePut, answer: string): ScheduleStored {
  if (answer.startsWith("=")) return { kind: "taken", name, source: answer.slice(1) }
  return { kind: answer as "added" | "changed" | "same", name }
}
