import type { Millis } from "../../core/kit/clock.ts"
import { encodeStatus, endOf } from "../../core/task/status.ts"
import type { Settled, Settlement } from "../../core/task/verdict.ts"
import type { Value } from "./client.ts"
import { type Endings, soughtIn } from "./endings.ts"
import { isDuplicate } from "./failures.ts"
import { flowValues, freeValue, isFlow } from "./flow-values.ts"
import { createGather } from "./gather.ts"
import { envelopeValues } from "./intake.ts"
import { type Act, actValues, sentBy } from "./joins.ts"
import type { TaskRow } from "./rows.ts"
import { createSettlePlain } from "./settle-plain.ts"
import { numbers, placeholders, placesOf, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** The next list is there when one has been flushed. */
export const AT_ONCE = 2

const KIND = { ack: 0, bury: 1, retry: 2, release: 3 } as const
const LACKS = { progress: 1, replays: 2 } as const

export function createSettle({ work, ns, clock, queues }: Store, endings: Endings) {
  const settle = work.sql(`SELECT * FROM stem.settle(${placeholders(24)})`)
  const settleFlows = work.sql(`SELECT * FROM stem.settle_flows(${placeholders(37)})`)
  const settlePlain = createSettlePlain({ work, ns, clock, queues })
  const marked = work.sql("SELECT * FROM stem.tasks WHERE ns = $1 AND id = ANY (stem.texts($2))")

  async function land(batch: readonly Settlement[]): Promise<readonly Settled[]> {
    const now = clock.now()
    const leases = batch.map(({ lease }) => lease)
    const next = batch.flatMap((settlement) => settlement.next)
    const flows = batch.some(isInFlow) || next.some(isFlow)
    const sent = flows ? [...next, ...sentBy(batch.flatMap(({ opens = [] }) => opens))] : next
    const numbered =
      sent.length > 0 ? await queues.ensure(sent.map(({ queue }) => queue)) : new Map<string, number>()
    const more = flows ? [...flowValues(next), ...followValues(batch, numbered)] : []
    const effects = [
      ...statusValues(batch),
      numbers(batch.flatMap((settlement, at) => settlement.next.map(() => at + 1))),
      ...envelopeValues(next, numbered),
    ]
    const send = (plain: boolean) =>
      (flows ? settleFlows : settle).one<{ stale: number[] | null; marked: number[] | null }>(
        ...([ns, now, texts(leases.map(({ id }) => id)), numbers(leases.map(({ token }) => token))] as const),
        numbers(leases.map(({ reservation }) => reservation)),
        numbers(leases.map(({ seq }) => seq)),
        ...(plain ? ALL_ACKS : verdictValues(batch)),
        ...effects,
        ...[plain, ...more],
      )
    const plain = batch.every(({ verdict }) => verdict.kind === "ack")
    const answer = await send(plain).catch((error) => {
      // Somebody has put a status where none was known.
      if (plain && isDuplicate(error)) return send(false)
      throw error
    })
    const stale = new Set(placesOf(answer?.stale))
    for (const at of await endMarked(batch, placesOf(answer?.marked), now)) stale.add(at)
    return batch.map((_, at) => (stale.has(at + 1) ? "stale" : "settled"))
  }

  /** Nearly all are simple, and nearly all of these are done in one go; what is left over goes the longer way. */
  async function landAll(batch: readonly Settlement[]): Promise<readonly Settled[]> {
    const others = await settlePlain(batch)
    if (!others) return land(batch)
    const answers = batch.map((): Settled => "settled")
    if (others.length === 0) return answers
    const late = await land(others.map((place) => batch[place - 1] as Settlement))
    others.forEach((place, at) => {
      answers[place - 1] = late[at] as Settled
    })
    return answers
  }

  /** Ends those that were handed back although they are marked as cancelled; answers the places of those that are gone. */
  async function endMarked(
    batch: readonly Settlement[],
    places: readonly number[],
    now: Millis,
  ): Promise<number[]> {
    if (places.length === 0) return []
    const leaseAt = (place: number) => (batch[place - 1] as Settlement).lease
    const rows = await marked.all<TaskRow>(ns, texts(places.map((place) => leaseAt(place).id)))
    const ours = rows.filter(({ id, token }) =>
      places.some((place) => leaseAt(place).id === id && leaseAt(place).token === token),
    )
    const ended = await endings.cancel(ours, now)
    return places.filter((place) => !ended.has(leaseAt(place).id))
  }

  return createGather<Settlement, Settled>(async (settlements) => {
    const answers: Settled[] = []
    for (const { batch, again } of inSteps(settlements)) {
      const landed = (await landAll(batch)).values()
      for (const twice of again) answers.push(twice ? "stale" : (landed.next().value as Settled))
    }
    return answers
  }, AT_ONCE)
}

/**
 * Batches in which each lease is named once, and nothing follows that is itself settled there: within one, the order
 * makes no difference. `again` says which settlements were left out because their lease stands before them.
 */
function inSteps(settlements: readonly Settlement[]) {
  const steps: { batch: Settlement[]; again: boolean[] }[] = []
  let leases = new Map<string, number>()
  let follows = new Set<string>()
  let step: { batch: Settlement[]; again: boolean[] } | undefined
  for (const settlement of settlements) {
    const { id, token } = settlement.lease
    const twice = leases.get(id) === token
    const collides =
      (!twice && leases.has(id)) ||
      follows.has(id) ||
      settlement.next.some((after) => leases.has(after.id) || after.id === id)
    if (!step || collides) {
      step = { batch: [], again: [] }
      steps.push(step)
      leases = new Map()
      follows = new Set()
    }
    const left = twice && !collides
    step.again.push(left)
    if (left) continue
    step.batch.push(settlement)
    leases.set(id, token)
    for (const after of settlement.next) follows.add(after.id)
  }
  return steps
}

const isInFlow = ({ opens, arrive, unique }: Settlement) =>
  opens !== undefined || arrive !== undefined || unique !== undefined

/** Keys to set free, groups that open, and who arrives. */
function followValues(batch: readonly Settlement[], queues: ReadonlyMap<string, number>): readonly Value[] {
  const acts = batch.flatMap(({ opens = [], arrive }, at): Act[] => [
    ...opens.map((group) => ({ of: at + 1, opens: group })),
    ...(arrive ? [{ of: at + 1, arrive }] : []),
  ])
  const { opens, arrivals } = actValues(acts, queues)
  return [freeValue(batch.map(({ unique }) => unique)), opens, ...arrivals]
}

/** What {@link verdictValues} gives, where nobody looks at it. */
const ALL_ACKS = ["{}", "{}", "", ""] as const

/** Kinds, dues, reasons, and what is sought in them. */
function verdictValues(batch: readonly Settlement[]) {
  const verdicts = batch.map(({ verdict }) => verdict)
  const reasons = verdicts.map((verdict) => ("reason" in verdict ? verdict.reason : undefined))
  return [
    numbers(verdicts.map(({ kind }) => KIND[kind])),
    numbers(verdicts.map((verdict) => ("at" in verdict ? verdict.at : undefined))),
    texts(reasons.map((reason) => reason && JSON.stringify(reason))),
    texts(reasons.map((reason) => reason && soughtIn(reason))),
  ] as const
}

function statusValues(batch: readonly Settlement[]) {
  const statuses = batch.map(({ status }) => status)
  return [
    texts(statuses.map((status) => status && encodeStatus(status))),
    texts(statuses.map((status) => status?.state)),
    texts(statuses.map((status) => status?.task)),
    texts(statuses.map((status) => status?.queue)),
    numbers(statuses.map((status) => status && endOf(status))),
    numbers(
      statuses.map(
        (status) => (status?.progress ? 0 : LACKS.progress) + (status?.replays?.length ? 0 : LACKS.replays),
      ),
    ),
  ] as const
}
