import type { Enqueued } from "../../core/contracts/broker.ts"
import type { Envelope } from "../../core/task/envelope.ts"
import type { Group } from "../../core/task/group.ts"
import type { TaskState } from "../../core/task/status.ts"
import { flowValues } from "./flow-values.ts"
import { createGather } from "./gather.ts"
import { envelopeValues, storedNow } from "./intake.ts"
import { actValues, sentBy } from "./joins.ts"
import { BETWEEN, placeholders } from "./sql-values.ts"
import type { Store } from "./store.ts"

/** What comes in: a task, or a group that is opened when the tasks of its call are stored. */
type Coming = { readonly envelope: Envelope } | { readonly group: Group }

type Answer = Record<"kinds" | "others" | "states", string | null>

/** How tasks come in that have a unique key or take turns, and all those that come with groups. */
export type FlowIntake = (
  envelopes: readonly Envelope[],
  groups: readonly Group[],
) => Promise<readonly Enqueued[]>

export function createFlowIntake({
  work,
  ns,
  queues,
  clock,
}: Pick<Store, "work" | "ns" | "queues" | "clock">): FlowIntake {
  const enqueue = work.sql(`SELECT * FROM stem.enqueue_flows(${placeholders(14)})`)

  const together = createGather<Coming, Enqueued | undefined>(async (coming) => {
    const envelopes = coming.flatMap((one) => ("envelope" in one ? [one.envelope] : []))
    const groups = coming.flatMap((one) => ("group" in one ? [one.group] : []))
    const named = [...envelopes, ...sentBy(groups)].map(({ queue }) => queue)
    const numbered = await queues.ensure(named)
    const now = clock.now()
    const { opens } = actValues(
      groups.map((group, at) => ({ of: at + 1, opens: group })),
      numbered,
    )
    const answer = await enqueue.one<Answer>(
      ...([ns, now, ...envelopeValues(envelopes, numbered)] as const),
      ...flowValues(envelopes),
      opens,
    )
    const [kinds, others, states] = [answer?.kinds, answer?.others, answer?.states].map(
      (list) => list?.split(BETWEEN) ?? [],
    ) as [string[], string[], string[]]
    let at = -1
    return coming.map((one) => {
      if ("group" in one) return undefined
      at += 1
      const kind = kinds[at] as Enqueued["kind"] | "" | undefined
      return kind
        ? { id: others[at] as string, kind, state: states[at] as TaskState }
        : storedNow(one.envelope, now)
    })
  })

  return async (envelopes, groups) => {
    if (envelopes.length + groups.length === 0) return []
    const coming = [...envelopes.map((envelope) => ({ envelope })), ...groups.map((group) => ({ group }))]
    return (await together(coming)).slice(0, envelopes.length) as readonly Enqueued[]
  }
}
