import type { ExtensionNote, Extensions } from "../../core/contracts/extensions.ts"
import type { Middleware } from "../../core/task/define-middleware.ts"
import { createHookDesk, HOOK_DEADLINE } from "./hook-desk.ts"
import { factsOf, passThrough } from "./passing.ts"

/**
 * Extensions in this process: with all promises but one. A hook that blocks the event loop blocks the worker, as any
 * user code does there.
 */
export function createInlineExtensions(
  middleware: readonly Middleware[],
  note: (note: ExtensionNote) => void,
): Extensions {
  const hooks = new Set(factsOf(middleware).hooks)
  let unheard = 0
  let idle: (() => void) | undefined
  const desk = createHookDesk({
    middleware,
    failed: note,
    heard(count) {
      unheard -= count
      if (unheard === 0) idle?.()
    },
  })
  return {
    wants: (hook) => hooks.has(hook),
    tell(event) {
      unheard += 1
      // Not within the turn of whoever tells.
      setImmediate(() => desk.hear([event]))
    },
    pass: (asks, within) =>
      Promise.all(
        asks.map(async (ask) => {
          let late: ReturnType<typeof setTimeout> | undefined
          const over = new Promise<{ kind: "failed"; reason: string }>((resolve) => {
            const reason = `it has not ended within ${within} ms`
            late = setTimeout(() => resolve({ kind: "failed", reason }), within)
          })
          return Promise.race([passThrough(middleware, ask), over]).finally(() => clearTimeout(late))
        }),
      ),
    async close() {
      if (unheard === 0) return
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, HOOK_DEADLINE)
        idle = () => {
          clearTimeout(late)
          resolve()
        }
      })
    },
  }
}
