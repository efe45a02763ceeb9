import type { Isolates } from "../contracts/isolates.ts"
import type { Events } from "../observe/events.ts"
import type { HookEvent, HookName } from "../task/define-middleware.ts"
import type { Delivery } from "../task/lease.ts"
import { aboutTask } from "./about.ts"

/** Tells the modules' lifecycle hooks what a worker does. */
export interface Lifecycle {
  received(delivery: Delivery): void
  /** It takes no more, for whatever reason; said once. */
  stopping(): void
}

/**
 * Listens to a worker's events, which come after the commits they speak of, and hands them to the hooks. Nothing waits for
 * a hook; where no module has one this costs a look.
 */
export function tellHooks(
  isolates: Isolates,
  events: Events,
  about: { readonly worker: string; readonly queues: () => readonly string[] },
): Lifecycle {
  const { worker } = about
  const wants = (hook: HookName) => isolates.extensions?.()?.wants(hook)
  const tell = (event: HookEvent) => {
    if (wants(event[0])) isolates.extensions?.()?.tell(event)
  }
  let said = false
  const stopping = () => {
    if (said) return
    said = true
    tell(["onStopping", { worker, queues: about.queues() }])
  }
  events.on((event) => {
    switch (event.kind) {
      case "ready":
        return tell(["onReady", { worker, queues: event.queues }])
      case "draining":
        return stopping()
      case "started":
        return wants("onStarted") ? tell(["onStarted", { ...taskOf(event), worker }]) : undefined
      case "succeeded":
        return wants("onSucceeded")
          ? tell(["onSucceeded", { ...taskOf(event), worker, ms: event.ms }])
          : undefined
      case "retrying": {
        const { at, error } = event
        tell(["onFailed", { ...taskOf(event), worker, error }])
        return tell(["onRetried", { ...taskOf(event), worker, at, error }])
      }
      case "failed": {
        const { error } = event
        tell(["onFailed", { ...taskOf(event), worker, error }])
        return tell(["onBuried", { ...taskOf(event), worker, error }])
      }
    }
  })
  return {
    stopping,
    received(delivery) {
      if (wants("onReceived")) tell(["onReceived", { ...aboutTask(delivery), worker }])
    },
  }
}

const taskOf = ({ id, task, queue, attempt }: ReturnType<typeof aboutTask>) => ({ id, task, queue, attempt })
