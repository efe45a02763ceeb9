import type { HandlerAsk, IsolateLine } from "../../core/contracts/isolates.ts"
import type { Clock, Millis } from "../../core/kit/clock.ts"
import type { ChildAsk } from "../../core/task/child.ts"
import type { Progress } from "../../core/task/status.ts"

/** What is known of a run where the handler is. */
export interface RunFacts {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly attempt: number
  readonly maxAttempts: number
  readonly token: number
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly softMs: Millis
}

/** What a handler does to the world outside, done by whoever runs it. */
export interface RunEffects {
  readonly clock: Clock
  progress(progress: Progress): void
  log(line: IsolateLine): void
  enqueue(ask: ChildAsk): Promise<string>
  ask(ask: HandlerAsk): Promise<unknown>
}
