import { type LaidOut, layOut } from "../canvas/lay-out.ts"
import type { Sending } from "../canvas/start.ts"
import { makeEnvelope } from "../client/envelope.ts"
import type { Isolates } from "../contracts/isolates.ts"
import type { Clock } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import type { Router } from "../policy/routing.ts"
import type { ChildAsk, FlowAsk, PlainOptions } from "../task/child.ts"
import type { Envelope, TaskId } from "../task/envelope.ts"
import type { Leases } from "./held.ts"

/** Makes what handlers ask for: with the parent's trace, and where they are silent as routing, or this worker's modules, say. */
export interface Children {
  /** Throws `malformed_envelope` and what else makeEnvelope throws. */
  task(ask: ChildAsk): Envelope
  /** Throws the same, and `empty_flow`. */
  flow(ask: FlowAsk): LaidOut
  /** What a success brings with it. */
  all(asks: readonly (ChildAsk | FlowAsk)[]): Sending
}

interface Parts {
  readonly isolates: Isolates
  readonly leases: Leases
  readonly clock: Clock
  readonly router?: Router | undefined
}

/** Children of the tasks that are held. */
export function createChildren({ isolates, leases, clock, router }: Parts): Children {
  function make(parent: TaskId, task: string, input: unknown, options: PlainOptions): Envelope {
    const spec = isolates.specs().get(task)
    const from = leases.get(parent)?.delivery.envelope
    const { at, expires, ...plain } = options
    const expiresAt =
      typeof expires === "number"
        ? expires
        : expires !== undefined
          ? clock.now() + parseDuration(expires)
          : spec?.expiresInMs && clock.now() + spec.expiresInMs
    const child = {
      task,
      input,
      options: {
        ...plain,
        headers: { ...from?.headers, ...plain.headers },
        ...(at !== undefined && { at: new Date(at) }),
        ...(expiresAt && { expires: new Date(expiresAt) }),
      },
      defaults: spec,
      parent: { id: parent, root: from?.root ?? parent },
    }
    return makeEnvelope(clock, child, router)
  }

  const children: Children = {
    task: ({ parent, task, input, options }) => make(parent, task, input, options),

    flow({ parent, id, flow }) {
      const root = leases.get(parent)?.delivery.envelope.root ?? parent
      // The names and options of a flow that crossed processes are plain.
      return layOut(flow, { id, now: clock.now(), parent, root }, ({ task, input }, options) =>
        make(parent, task as string, input, options as PlainOptions),
      )
    },

    all(asks) {
      const into: Sending = { envelopes: [], groups: [] }
      for (const ask of asks) {
        const { envelopes, groups } =
          "flow" in ask ? children.flow(ask) : { envelopes: [children.task(ask)], groups: [] }
        into.envelopes.push(...envelopes)
        into.groups.push(...groups)
      }
      return into
    },
  }
  return children
}
