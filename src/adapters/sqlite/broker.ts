import type { Broker, Renewal, Renewed } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { encodeEnvelope } from "../../core/task/envelope.ts"
import { createCancel } from "./cancel.ts"
import type { Chains } from "./chains.ts"
import type { Endings } from "./endings.ts"
import { createHasten } from "./hasten.ts"
import type { Intake } from "./intake.ts"
import type { Joins } from "./joins.ts"
import type { Keys } from "./keys.ts"
import type { Lines } from "./lines.ts"
import { createLeasing } from "./reserve.ts"
import { CANCEL } from "./rows.ts"
import { createSettle, prepareSettlement } from "./settle.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** What a broker is made of. */
export interface BrokerParts {
  readonly statuses: Statuses
  readonly keys: Keys
  readonly lines: Lines
  readonly chains: Chains
  readonly intake: Intake
  readonly joins: Joins
  readonly endings: Endings
}

export function createBroker(store: Store, parts: BrokerParts): Broker {
  const { commit, clock, bell, connection } = store
  const { intake, endings, joins } = parts
  const leasing = createLeasing(store, parts)
  const settle = createSettle(store, parts)
  const cancel = createCancel(store, intake, endings)
  const renew = createRenew(store)

  return {
    enqueue(envelopes, groups = []) {
      const texts = envelopes.map(encodeEnvelope)
      const opened = groups.map((group) => JSON.stringify(group))
      return commit.write(() => {
        const now = clock.now()
        const answers = envelopes.map((envelope, at) => intake.add(envelope, texts[at] as string, now))
        groups.forEach((group, at) => {
          joins.open(group, opened[at] as string, now)
        })
        return answers
      })
    },

    async reserve(ask) {
      // An idle worker only reads: it takes no lock from those who work.
      if (!commit.gathering) {
        const due = await connection.patiently(() => leasing.nextDue(ask.queues))
        if (due > clock.now()) {
          const wakeAt = Math.min(due, await connection.patiently(() => leasing.nextExpiry(ask.queues)))
          return { deliveries: [], ...(wakeAt < Number.POSITIVE_INFINITY && { wakeAt }) }
        }
      }
      return commit.write(() => leasing.reserve(ask))
    },

    async reclaim(ask) {
      const expiry = await connection.patiently(() => leasing.nextExpiry(ask.queues))
      return expiry > clock.now() ? [] : commit.write(() => leasing.reclaim(ask))
    },

    renew: (renewals, leaseMs) =>
      commit.write(() => {
        const expiresAt = clock.now() + leaseMs
        return renewals.map((renewal) => renew(renewal, expiresAt))
      }),

    settle(settlements) {
      const ready = settlements.map(prepareSettlement)
      return commit.write(() => {
        const now = clock.now()
        return ready.map((settlement) => settle(settlement, now))
      })
    },

    cancel: (ids, how) =>
      commit.write(() => {
        const now = clock.now()
        return ids.map((id) => cancel(id, how, now))
      }),

    hasten: createHasten(store, parts.lines),

    async wait(queues, until, signal) {
      while (!signal.aborted && !store.closed) {
        const heard = bell.heard()
        const due = await connection.patiently(() => leasing.nextDue(queues))
        const now = clock.now()
        if (due <= now || until <= now) return
        await bell.next(heard, Math.min(due, until) - now, signal)
      }
    },
  }
}

function createRenew({ connection: { sql }, ns }: Store) {
  const renew = sql(
    `UPDATE tasks SET until = ?4, progress = coalesce(?5, progress)
     WHERE ns = ?1 AND id = ?2 AND token = ?3 AND until IS NOT NULL RETURNING cancel`,
  )
  return ({ lease, progress }: Renewal, expiresAt: Millis): Renewed => {
    const noted = progress ? JSON.stringify(progress) : null
    const row = renew.one<{ cancel: number }>(ns, lease.id, lease.token, expiresAt, noted)
    if (!row) return { kind: "stale" }
    if (row.cancel === 0) return { kind: "held", expiresAt }
    return { kind: "held", expiresAt, cancel: row.cancel === CANCEL.terminate ? "terminate" : "abort" }
  }
}
