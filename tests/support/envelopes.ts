import type { Clock, Millis } from "../../src/core/kit/clock.ts"
import { type Envelope, parseEnvelope } from "../../src/core/task/envelope.ts"

/** What a test may want of a task, said in the words of the test. */
export interface Wish {
  readonly task?: string
  readonly input?: unknown
  readonly queue?: string
  readonly priority?: number
  readonly dueIn?: Millis
  readonly parent?: string
  readonly more?: Record<string, unknown>
}

/** `const task = tasksBy(clock)`, then `task("a", { dueIn: 5000 })`: task a, due in five seconds. */
export const tasksBy =
  (clock: Pick<Clock, "now">) =>
  (id: string, wish: Wish = {}): Envelope => {
    const now = clock.now()
    return parseEnvelope({
      v: 1,
      id,
      task: wish.task ?? "image.resize",
      input: wish.input ?? null,
      queue: wish.queue ?? "default",
      priority: wish.priority ?? 5,
      enqueuedAt: now,
      dueAt: now + (wish.dueIn ?? 0),
      headers: {},
      ...(wish.parent !== undefined && { parent: wish.parent }),
      ...wish.more,
    })
  }
