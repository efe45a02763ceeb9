import type { IsolateHooks } from "../../core/contracts/isolates.ts"

/** Whether there is an isolate to give runs to. It is told of once, and again when there is one. */
export interface Gate {
  readonly closed: boolean
  close(reason: string): void
  open(): void
  /** Resolves when it is open, or the signal aborts. */
  opened(signal: AbortSignal): Promise<void>
}

export function createGate(hooks: () => Pick<IsolateHooks, "unable" | "able">): Gate {
  let shut: PromiseWithResolvers<void> | undefined
  return {
    get closed() {
      return shut !== undefined
    },
    close(reason) {
      if (shut) return
      shut = Promise.withResolvers()
      hooks().unable(reason)
    },
    open() {
      if (!shut) return
      shut.resolve()
      shut = undefined
      hooks().able()
    },
    async opened(signal) {
      if (!shut || signal.aborted) return
      const aborted = Promise.withResolvers<void>()
      signal.addEventListener("abort", () => aborted.resolve(), { once: true })
      await Promise.race([shut.promise, aborted.promise])
    },
  }
}
