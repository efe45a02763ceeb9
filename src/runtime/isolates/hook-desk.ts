import type { ExtensionNote } from "../../core/contracts/extensions.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { HookEvent, Middleware } from "../../core/task/define-middleware.ts"
import { toFailure } from "../../core/task/failure.ts"

/** How long a hook is waited for. */
export const HOOK_DEADLINE: Millis = 5000
/** How many tasks' hooks run at once. */
const LANES = 64

export interface HookDesk {
  hear(events: readonly HookEvent[]): void
}

interface HookDeskParts {
  readonly middleware: readonly Middleware[]
  /** So many more events have been heard by all their hooks, or were given up. */
  readonly heard: (count: number) => void
  readonly failed: (note: Extract<ExtensionNote, { kind: "hook_failed" }>) => void
  readonly deadline?: Millis
}

/**
 * Calls lifecycle hooks: those of one task, and those of the worker itself, one event after the other and in the order of
 * the middleware; different tasks side by side. A hook that throws or takes too long is reported, and the next is called.
 */
export function createHookDesk(parts: HookDeskParts): HookDesk {
  const { middleware, heard, failed, deadline = HOOK_DEADLINE } = parts
  /** What waits, by task; the worker's own have no id. */
  const waiting = new Map<string, HookEvent[]>()
  const ready: string[] = []
  let busy = 0

  async function call(one: Middleware, [hook, event]: HookEvent): Promise<void> {
    const fn = one[hook]
    if (!fn) return
    let late: ReturnType<typeof setTimeout> | undefined
    try {
      const work = fn.call(one, event as never)
      if (!(work instanceof Promise)) return
      const over = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`it has not ended within ${deadline} ms`)), deadline)
      })
      await Promise.race([work, over])
    } catch (error) {
      const id = "id" in event ? event.id : undefined
      failed({ kind: "hook_failed", middleware: one.name ?? "", hook, id, error: toFailure(error) })
    } finally {
      clearTimeout(late)
    }
  }

  async function lane(): Promise<void> {
    for (let key = ready.shift(); key !== undefined; key = ready.shift()) {
      const events = waiting.get(key) ?? []
      for (let event = events.shift(); event; event = events.shift()) {
        for (const one of middleware) await call(one, event)
        heard(1)
      }
      waiting.delete(key)
    }
    busy -= 1
  }

  return {
    hear(events) {
      for (const event of events) {
        const key = "id" in event[1] ? event[1].id : ""
        const before = waiting.get(key)
        if (before) {
          before.push(event)
          continue
        }
        waiting.set(key, [event])
        ready.push(key)
      }
      while (busy < LANES && busy < ready.length + 1 && ready.length > 0) {
        busy += 1
        void lane()
      }
    },
  }
}
