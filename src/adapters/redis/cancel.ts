import type { Cancelled } from "../../core/contracts/broker.ts"
import type { TaskId } from "../../core/task/envelope.ts"
import { CANCELLED_MEMBER } from "../../core/task/group.ts"
import { endedStatusOf } from "../../core/task/live.ts"
import type { TaskStatus } from "../../core/task/status.ts"
import { packArrival } from "./packing.ts"
import {
  absenceIn,
  CHUNK,
  chunks,
  factsOf,
  type Known,
  PLACE,
  packStatus,
  parseRecord,
  readEnvelope,
  readKnown,
} from "./records.ts"
import type { Store } from "./store.ts"

/**
 * Ending tasks as cancelled. Their statuses are made here, by the rules that all stores share, and land only on
 * tasks that are still what they were when they were read.
 */
export interface Cancel {
  cancel(ids: readonly TaskId[], how: { terminate: boolean }): Promise<readonly Cancelled[]>
  /** Ends tasks that wait, or that run and are marked, with any token or with the one given. Answers which. */
  endMarked(ids: readonly TaskId[], tokens?: ReadonlyMap<TaskId, number>): Promise<ReadonlySet<TaskId>>
  /** Ends tasks that wait in this queue, given as they stand there: place and id. Answers how many. */
  endWaiting(members: readonly string[], queue: string): Promise<number>
}

/** What is to be done with a task as it was read: its new mark, or its last status. */
type Decision = (known: Known) => string | TaskStatus | undefined

export function createCancel(store: Store): Cancel {
  const ending = (known: Known): TaskStatus => endedStatusOf(factsOf(known), "cancelled", store.clock.now())

  const pack = (known: Known, what: string | TaskStatus): string[] => {
    const envelope = readEnvelope(known.envelope)
    const unique = envelope instanceof Error ? undefined : envelope.unique
    // Who waits with a unique key may become another's, with the same record.
    const args = [known.id, known.record, unique ? known.envelope : ""]
    if (typeof what === "string") return [...args, what, "", "", "", ""]
    const absence = absenceIn(known, envelope, CANCELLED_MEMBER)
    return [...args, packStatus(what), unique?.key ?? "", ...packArrival(absence)]
  }

  /** Decides and lands, over again for those that changed in between. Tells what became of each. */
  async function land(
    ids: readonly TaskId[],
    decide: Decision,
    tell: (known: Known, landed: string | TaskStatus) => void,
  ) {
    let open: readonly TaskId[] = ids
    while (open.length > 0) {
      const decided = (await readKnown(store, open)).flatMap((known) => {
        const what = decide(known)
        return what === undefined ? [] : [{ known, what }]
      })
      const answers = await Promise.all(
        chunks(decided, CHUNK).map((some) =>
          store.run<number[]>("cancel", [
            String(store.clock.now()),
            ...some.flatMap(({ known, what }) => pack(known, what)),
          ]),
        ),
      )
      const done = answers.flat()
      for (const [at, { known, what }] of decided.entries()) if (done[at] === 1) tell(known, what)
      open = decided.filter((_, at) => done[at] !== 1).map(({ known }) => known.id)
    }
  }

  return {
    async cancel(ids, { terminate }) {
      const answers = new Map<TaskId, Cancelled>()
      const decide: Decision = (known) => {
        const { id, record, ended } = known
        if (record === "") {
          answers.set(id, { id, kind: ended === "" ? "unknown" : "ended" })
          return undefined
        }
        const { running, cancel } = parseRecord(record)
        if (running) return terminate || cancel === 2 ? "2" : "1"
        return ending(known)
      }
      // One that ends may cause others, a group's body say, which may be meant too, further behind.
      for (let left = [...new Set(ids)]; left.length > 0; ) {
        const ended = new Set<TaskId>()
        await land(left, decide, ({ id }, what) => {
          const asked = typeof what === "string"
          answers.set(id, asked ? { id, kind: "asked" } : { id, kind: "cancelled", status: what })
          if (!asked) ended.add(id)
        })
        const first = left.findIndex((id) => ended.has(id))
        left = first < 0 ? [] : left.slice(first).filter((id) => answers.get(id)?.kind === "unknown")
      }
      const seen = new Set<TaskId>()
      return ids.map((id) => {
        const answer = answers.get(id) as Cancelled
        const again = seen.has(id) && answer.kind === "cancelled"
        seen.add(id)
        return again ? { id, kind: "ended" } : answer
      })
    },

    async endMarked(ids, tokens) {
      const ended = new Set<TaskId>()
      const decide: Decision = (known) => {
        if (known.record === "") return undefined
        const { token, marked, running } = parseRecord(known.record)
        if (!marked || !running || (tokens && tokens.get(known.id) !== token)) return undefined
        return ending(known)
      }
      await land(ids, decide, ({ id }) => ended.add(id))
      return ended
    },

    async endWaiting(members, queue) {
      let count = 0
      const places = new Map(members.map((member) => [member.slice(PLACE), member.slice(0, PLACE)]))
      const decide: Decision = (known) => {
        if (known.record === "") return undefined
        const record = parseRecord(known.record)
        // Another place: it ended, and another task has its id.
        const isIt = record.queue === queue && record.place === places.get(known.id)
        return isIt && !record.running ? ending(known) : undefined
      }
      await land([...places.keys()], decide, () => {
        count += 1
      })
      return count
    },
  }
}
