import type { ReserveAsk, Reserved } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { Delivery, Lease } from "../../core/task/lease.ts"
import { LIVE_MS } from "./connection.ts"
import type { Endings } from "./endings.ts"
import { readEnvelope, replaysOf, type TaskRow } from "./rows.ts"
import { BETWEEN, numbers, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** Leasing tasks, and knowing when there will be some. */
export interface Leasing {
  reserve(ask: ReserveAsk): Promise<Reserved>
  reclaim(ask: ReserveAsk): Promise<readonly Delivery[]>
  /** When the next waiting task of these queues is or was due. */
  nextDue(queues: readonly string[]): Promise<Millis>
}

/** What a delivery is made of. */
type LeaseRow = Pick<TaskRow, "id" | "token" | "attempts" | "replays" | "envelope"> & {
  readonly reservation?: number
  readonly stored?: number
}

/** The same, as lists. */
type LeaseLists = Record<
  "ids" | "tokens" | "attempts" | "replays" | "reservations" | "seqs" | "envelopes" | "wake",
  string | null
>

const NEVER = Number.POSITIVE_INFINITY
const instant = (text: string | null | undefined): Millis => (text == null ? NEVER : Number(text))

export function createLeasing({ work, hand, ns, clock, queues }: Store, endings: Endings): Leasing {
  const reserve = hand.sql(
    "CALL stem.take($1, $2, $3, $4, $5, $6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    LIVE_MS,
  )
  const reclaim = hand.sql("SELECT * FROM stem.take_over($1, $2, $3, $4, $5)", LIVE_MS)
  const due = work.sql("SELECT stem.next_due($1) AS due", LIVE_MS)
  const wake = hand.sql("SELECT least(stem.next_due($1), stem.next_expiry($1)) AS at", LIVE_MS)
  const taken = work.sql("SELECT * FROM stem.live WHERE ns = $1 AND id = ANY (stem.texts($2))")

  /** Adds what can be read, buries the rest; answers whether there was any. */
  async function deliver(
    rows: readonly LeaseRow[],
    ask: ReserveAsk,
    now: Millis,
    reclaimed: boolean,
    into: Delivery[],
  ): Promise<boolean> {
    const { holder, leaseMs } = ask
    const unreadable: LeaseRow[] = []
    for (const row of rows) {
      const envelope = readEnvelope(row.envelope)
      if (envelope instanceof Error) {
        unreadable.push(row)
        continue
      }
      into.push({
        envelope,
        lease: leaseOf(row, holder, now + leaseMs),
        attempt: row.attempts + 1,
        reclaimed,
        replays: replaysOf(row),
      })
    }
    if (unreadable.length === 0) return false
    const ids = texts(unreadable.map(({ id }) => id))
    await endings.buryUnreadable(await taken.all<TaskRow>(ns, ids), now)
    return true
  }

  return {
    async reserve(ask) {
      const { max, holder, leaseMs } = ask
      const deliveries: Delivery[] = []
      const open = await queues.known(ask.queues)
      if (open.length === 0) return { deliveries }
      const asked = numbers(open)
      while (deliveries.length < max) {
        const now = clock.now()
        const room = max - deliveries.length
        const lists = await reserve.one<LeaseLists>(ns, asked, room, now, holder, now + leaseMs)
        const rows = rowsOf(lists)
        const buried = await deliver(rows, ask, now, false, deliveries)
        if (rows.length === room) continue
        // What follows from a burial is not of this reserve.
        const wakeAt = instant(buried ? (await wake.one<{ at: string | null }>(asked))?.at : lists?.wake)
        return { deliveries, ...(wakeAt < NEVER && { wakeAt }) }
      }
      return { deliveries }
    },

    async reclaim(ask) {
      const { max, holder, leaseMs } = ask
      const deliveries: Delivery[] = []
      const open = await queues.known(ask.queues)
      while (open.length > 0 && deliveries.length < max) {
        const now = clock.now()
        const rows = await reclaim.all<TaskRow>(
          numbers(open),
          max - deliveries.length,
          now,
          holder,
          now + leaseMs,
        )
        await endings.cancel(
          rows.filter(({ cancel }) => cancel > 0),
          now,
        )
        const kept = rows
          .filter(({ cancel }) => cancel === 0)
          .map((row) => ({ ...row, token: row.token + 1, attempts: row.attempts + 1 }))
        await deliver(kept, ask, now, true, deliveries)
        if (kept.length === rows.length) break
      }
      return deliveries
    },

    async nextDue(names) {
      const open = await queues.known(names)
      if (open.length === 0) return NEVER
      return instant((await due.one<{ due: string | null }>(numbers(open)))?.due)
    },
  }
}

function rowsOf(lists: LeaseLists | undefined): readonly LeaseRow[] {
  if (!lists?.ids) return []
  const of = (list: string | null, between = BETWEEN) => list?.split(between)
  const [tokens, attempts] = [of(lists.tokens, ","), of(lists.attempts, ",")]
  const [reservations, seqs] = [of(lists.reservations, ","), of(lists.seqs, ",")]
  const [replays, envelopes] = [of(lists.replays), of(lists.envelopes)]
  return lists.ids.split(BETWEEN).map((id, at) => ({
    id,
    token: Number(tokens?.[at]),
    attempts: Number(attempts?.[at]),
    replays: replays?.[at] || null,
    reservation: Number(reservations?.[at]),
    stored: Number(seqs?.[at]),
    envelope: envelopes?.[at] ?? "",
  }))
}

function leaseOf({ id, token, reservation, stored = 0 }: LeaseRow, holder: string, expiresAt: Millis): Lease {
  return reservation
    ? { id, holder, token, expiresAt, reservation, seq: stored }
    : { id, holder, token, expiresAt }
}
