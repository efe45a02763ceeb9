import type { Answer, Command, Order, Presence } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { messageOf } from "../kit/errors.ts"
import type { Failure } from "../task/failure.ts"

/** What a worker lets itself be told. */
export interface Controls {
  describe(): Presence
  quiet(): void
  resume(): void
  drain(): void
  resize(concurrency: number, reason: string): void
  /** Answers what went wrong, if something did. */
  reload(): Promise<Failure | undefined>
  /** Stops those of these tasks that run here; answers them. */
  cancel(ids: readonly string[], how: "abort" | "terminate"): readonly string[]
}

/** How long an answer is remembered: longer than anybody waits for it. */
const REMEMBERED: Millis = 600_000

/** Does what a command says and answers what came of it. Never rejects: what goes wrong is the answer. */
export async function obey(command: Command, controls: Controls, clock: Clock): Promise<Answer> {
  const { id: worker, name } = controls.describe()
  let outcome: Outcome
  try {
    outcome = await done(command.order, controls)
  } catch (error) {
    outcome = { ok: false, message: messageOf(error) }
  }
  const at = clock.now()
  return { v: 1, command: command.id, worker, name, at, until: at + REMEMBERED, ...outcome }
}

type Outcome = Pick<Answer, "ok" | "message" | "presence">

async function done(order: Order, controls: Controls): Promise<Outcome> {
  switch (order.kind) {
    case "ping":
      return { ok: true, message: "pong" }
    case "stats":
      return { ok: true, message: summary(controls.describe()), presence: controls.describe() }
    case "quiet":
      controls.quiet()
      return { ok: true, message: `takes nothing new; ${running(controls.describe())}` }
    case "resume": {
      controls.resume()
      const { state } = controls.describe()
      return state === "running"
        ? { ok: true, message: "takes work" }
        : { ok: false, message: "it stops already, and takes no work again" }
    }
    case "stop":
      controls.drain()
      return { ok: true, message: `stops; ${running(controls.describe())}` }
    case "resize": {
      const { concurrency: from } = controls.describe()
      controls.resize(order.concurrency, "somebody asked for it")
      const { concurrency: to } = controls.describe()
      return { ok: true, message: to === from ? `${to} at once, as before` : `${to} at once, not ${from}` }
    }
    case "reload": {
      const failure = await controls.reload()
      if (failure) return { ok: false, message: `the old modules go on: ${failure.message}` }
      return {
        ok: true,
        message: `read its modules anew: ${counted(controls.describe().tasks.length, "task")}`,
      }
    }
    case "cancel": {
      const here = controls.cancel(order.ids, order.terminate ? "terminate" : "abort")
      return {
        ok: true,
        message: here.length === 0 ? "does not run here" : `asked to stop: ${here.join(", ")}`,
      }
    }
    default: {
      const { version } = controls.describe()
      return { ok: false, message: `Stem ${version} does not know "${(order as { kind: string }).kind}"` }
    }
  }
}

const running = ({ runningCount = 0 }: Presence) => `${counted(runningCount, "task")} still run`

const summary = (presence: Presence) => {
  const { runningCount = 0, concurrency, perMinute = 0, done: ended, rssBytes } = presence
  return `${runningCount} of ${concurrency} at once, ${perMinute} a minute; ${ended.succeeded} succeeded, ${ended.failed} failed, ${ended.retried} retried; ${Math.round(rssBytes / 1024 ** 2)} MB`
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`
