import type { Passed, WireOutgoing } from "../../core/contracts/extensions.ts"
import { parseDuration } from "../../core/kit/duration.ts"
import { messageOf } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import { sendThrough } from "../../core/task/chains.ts"
import type { Middleware, Outgoing } from "../../core/task/define-middleware.ts"
import { HOOKS } from "../../core/task/define-middleware.ts"
import type { MiddlewareFacts } from "./protocol.ts"

/** Which middleware these modules have. */
export const factsOf = (middleware: readonly Middleware[]): MiddlewareFacts => ({
  hooks: HOOKS.filter((hook) => middleware.some((one) => one[hook])),
  enqueue: middleware.some((one) => one.enqueue),
})

/** Takes a task through middleware; what would be stored is answered, and whoever asked stores it. Never rejects. */
export async function passThrough(chain: readonly Middleware[], ask: WireOutgoing): Promise<Passed> {
  let last: Outgoing | undefined
  try {
    await sendThrough(chain, fromWire(ask), async (out) => {
      last = out
      return { id: out.id }
    })
    return { kind: "passed", ask: toWire(last as Outgoing) }
  } catch (error) {
    return { kind: "refused", reason: messageOf(error) }
  }
}

const fromWire = ({ options: { at, expires, ...options }, ...ask }: WireOutgoing): Outgoing => ({
  ...ask,
  options: {
    ...options,
    ...(at !== undefined && { at: new Date(at) }),
    ...(expires !== undefined && { expires: typeof expires === "number" ? new Date(expires) : expires }),
  },
})

const toWire = ({ options: { at, expires, ...options }, input, ...ask }: Outgoing): WireOutgoing => ({
  ...ask,
  input: JSON.parse(toJson(input ?? null, `the input of ${ask.task}`)),
  options: {
    ...options,
    ...(at !== undefined && { at: at.getTime() }),
    ...(expires !== undefined && {
      expires: expires instanceof Date ? expires.getTime() : `${parseDuration(expires)}ms`,
    }),
  },
})
