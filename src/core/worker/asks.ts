import type { Broker } from "../contracts/broker.ts"
import type { HandlerAsk } from "../contracts/isolates.ts"
import type { Notes } from "../contracts/notes.ts"
import type { Children } from "./children.ts"
import type { Leases } from "./held.ts"

/** What a handler asks for beside a task of its own. */
export function answerAsks(parts: { broker: Broker; notes: Notes; children: Children; leases: Leases }) {
  const { broker, notes, children, leases } = parts
  return async (ask: HandlerAsk): Promise<unknown> => {
    if (ask.kind === "recall") return notes.recall(ask.id, ask.name)
    if (ask.kind === "remember") {
      const held = leases.get(ask.id)
      if (held?.delivery.lease.token !== ask.token) return "stale"
      return notes.remember(held.delivery.lease, ask.name, ask.value)
    }
    const { envelopes, groups, id } = children.flow(ask)
    const [first] = await broker.enqueue(envelopes, groups)
    return groups.length === 0 ? (first?.id ?? id) : id
  }
}
