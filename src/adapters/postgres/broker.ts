import type { Broker, Renewed } from "../../core/contracts/broker.ts"
import { createCancel } from "./cancel.ts"
import { LIVE_MS } from "./connection.ts"
import type { Endings } from "./endings.ts"
import { isFlow } from "./flow-values.ts"
import { createHasten } from "./hasten.ts"
import type { Intake } from "./intake.ts"
import { createFlowIntake } from "./intake-flows.ts"
import { createLeasing } from "./reserve.ts"
import { CANCEL } from "./rows.ts"
import { AT_ONCE, createSettle } from "./settle.ts"
import { numbers, texts } from "./sql-values.ts"
import type { Store } from "./store.ts"
import { createSweep } from "./sweep.ts"

export function createBroker(store: Store, intake: Intake, endings: Endings): Broker {
  const { clock, bell } = store
  const leasing = createLeasing(store, endings)
  const settle = createSettle(store, endings)
  const flows = createFlowIntake(store)
  const sweep = createSweep(store.desk)

  return {
    async enqueue(envelopes, groups = []) {
      const plain = groups.length === 0 && !envelopes.some(isFlow)
      const answers = await (plain ? intake.add(envelopes) : flows(envelopes, groups))
      bell.ring("work")
      return answers
    },

    reserve: leasing.reserve,
    reclaim: leasing.reclaim,
    renew: createRenew(store),

    settlesAtOnce: AT_ONCE,
    async settle(settlements) {
      if (settlements.length === 0) return []
      const answers = await settle(settlements)
      bell.ring("ended")
      sweep(settlements.length)
      if (
        settlements.some(
          ({ verdict, next, opens, arrive }) =>
            verdict.kind === "retry" || verdict.kind === "release" || next.length > 0 || opens || arrive,
        )
      )
        bell.ring("work")
      return answers
    },

    cancel: createCancel(store, intake, endings),
    hasten: createHasten(store),

    wait: (queues, until, signal) =>
      bell.attend("work", async () => {
        while (!signal.aborted && !store.closed) {
          const heard = bell.heard("work")
          bell.announced([], 0)
          const at = Math.min(await leasing.nextDue(queues), until)
          const now = clock.now()
          if (at <= now) return
          await bell.next("work", heard, at - now, signal)
          if (at <= clock.now() || bell.announced(await store.queues.known(queues), clock.now())) return
        }
      }),
  }
}

function createRenew({ work, clock, ns }: Store): Broker["renew"] {
  const renew = work.sql("SELECT * FROM stem.renew($1, $2, $3, $4, $5, $6, $7)", LIVE_MS)
  return async (renewals, leaseMs) => {
    if (renewals.length === 0) return []
    const expiresAt = clock.now() + leaseMs
    const rows = await renew.all<{ id: string; token: number; cancel: number }>(
      ...([ns, texts(renewals.map(({ lease }) => lease.id))] as const),
      numbers(renewals.map(({ lease }) => lease.token)),
      numbers(renewals.map(({ lease }) => lease.reservation)),
      ...([numbers(renewals.map(({ lease }) => lease.seq)), expiresAt] as const),
      texts(renewals.map(({ progress }) => progress && JSON.stringify(progress))),
    )
    const held = new Map(rows.map(({ id, token, cancel }) => [`${token} ${id}`, cancel]))
    return renewals.map(({ lease }): Renewed => {
      const cancel = held.get(`${lease.token} ${lease.id}`)
      if (cancel === undefined) return { kind: "stale" }
      if (cancel === 0) return { kind: "held", expiresAt }
      return { kind: "held", expiresAt, cancel: cancel === CANCEL.terminate ? "terminate" : "abort" }
    })
  }
}
