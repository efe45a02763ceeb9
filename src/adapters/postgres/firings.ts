import {
  type ByHand,
  type FiringRecord,
  HISTORY,
  type ScheduleCommitted,
  type ScheduleStore,
  type ScheduleTurn,
  type Sent,
} from "../../core/contracts/schedules.ts"
import { sentFields } from "./flow-values.ts"
import { BETWEEN, plain, storable } from "./sql-values.ts"
import type { Store } from "./store.ts"

interface Said {
  /** A letter for each firing; see firings-1.sql. */
  readonly words: string
  readonly known: string | null
}

interface FiringRow {
  readonly nominal: string
  readonly fired: string
  readonly task: string | null
  readonly skipped: string | null
  readonly by_hand: boolean
}

const ANSWERS = { f: "fired", d: "duplicate", s: "skipped", m: "missing" } as const
type Letter = keyof typeof ANSWERS

/** What schedules have done. Each of these is one transaction, that of the tasks too. */
export type Firings = Pick<ScheduleStore, "commit" | "fire" | "history">

export function createFirings({ work, desk, bell, clock, ns, queues }: Store): Firings {
  const commit = work.sql("SELECT * FROM stem.commit_turns($1, $2, $3, $4)")
  const fire = work.sql("SELECT * FROM stem.fire_by_hand($1, $2, $3)")
  const latest = desk.sql(
    `SELECT nominal, fired, task, skipped, by_hand FROM stem.firings WHERE ns = $1 AND name = $2
     ORDER BY nominal DESC LIMIT $3`,
  )

  /** How a task is written into a firing. */
  async function writer(list: readonly object[]) {
    const named = list.flatMap((one) => ("envelope" in one ? [(one as HasEnvelope).envelope.queue] : []))
    const numbers = named.length > 0 ? await queues.ensure(named) : new Map<string, number>()
    return (sent: Sent) => {
      if (!("envelope" in sent)) return { id: sent.id }
      const { envelope } = sent
      return sentFields(envelope, numbers)
    }
  }

  /** A pair that is new with a task that is not: the task is not stored again. */
  function reader({ known }: Said) {
    const taken = new Set(known?.split(BETWEEN))
    return (letter: Letter, sent: object) => {
      if (letter !== "f" || !("envelope" in sent)) return ANSWERS[letter]
      const { id } = (sent as HasEnvelope).envelope
      if (taken.has(id)) return "duplicate"
      taken.add(id)
      return "fired"
    }
  }

  return {
    async commit(turns) {
      if (turns.length === 0) return []
      const write = await writer(turns.flatMap(({ firings }) => firings))
      const texts = turns.map((turn) => writeTurn(turn, write))
      const said = (await commit.one<Said>(ns, clock.now(), HISTORY, JSON.stringify(texts))) as Said
      bell.ring("schedules")
      bell.ring("work")
      const words = said.words.split(",")
      const read = reader(said)
      return turns.map(({ firings }, at): ScheduleCommitted => {
        const word = words[at] as string
        if (word === "-") return { kind: "stale" }
        const answers = firings.map((firing, place) => read(word[place] as Letter, firing))
        return { kind: "committed", firings: answers as ("fired" | "duplicate" | "skipped")[] }
      })
    },

    async fire(asks) {
      if (asks.length === 0) return []
      const write = await writer(asks)
      const list = asks.map((ask: ByHand) => ({
        ...{ name: storable(ask.name), nominal: ask.nominalAt, fired: ask.firedAt, ...write(ask) },
      }))
      const said = (await fire.one<Said>(ns, HISTORY, JSON.stringify(list))) as Said
      bell.ring("work")
      const read = reader(said)
      return asks.map((ask, at) => read(said.words[at] as Letter, ask) as "fired" | "duplicate" | "missing")
    },

    async history(name, limit) {
      const rows = await latest.all<FiringRow>(ns, plain(name), Math.min(limit, HISTORY))
      return rows.map(recordOf)
    },
  }
}

type HasEnvelope = Extract<Sent, { envelope: unknown }>

function writeTurn({ lease, firings, state, wakeAt, pause }: ScheduleTurn, write: (sent: Sent) => object) {
  return {
    ...{ name: storable(lease.id), token: lease.token, state: JSON.stringify(state), wake: wakeAt },
    ...(pause !== undefined && { why: storable(pause) }),
    firings: firings.map((firing) => ({
      ...{ nominal: firing.nominalAt, fired: firing.firedAt },
      ...("skipped" in firing ? { skipped: storable(firing.skipped) } : write(firing)),
    })),
  }
}

function recordOf({ nominal, fired, task, skipped, by_hand }: FiringRow): FiringRecord {
  const [nominalAt, firedAt] = [Number(nominal), Number(fired)]
  return {
    ...{ nominalAt, firedAt, latenessMs: firedAt - nominalAt },
    ...(task !== null && { id: task }),
    ...(skipped !== null && { skipped }),
    ...(by_hand && { byHand: true }),
  }
}
