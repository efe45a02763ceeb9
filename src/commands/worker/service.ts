import type { RunningWorker } from "../../core/worker/worker.ts"
import type { serviceManager } from "../../stem.ts"

type Manager = NonNullable<Awaited<ReturnType<typeof serviceManager>>>

/**
 * Tells the service manager how the worker fares, to its end. Answers the worker, whose reloads are told too. That it
 * is ready is the caller's to say, once it listens to signals.
 */
export function tellService(manager: Manager | undefined, worker: RunningWorker): RunningWorker {
  if (!manager) return worker
  const unwatch = manager.watch(worker.lastProgressAt)
  worker.on(({ kind }) => {
    if (kind === "draining") manager.stopping()
    if (kind === "stopped") unwatch()
  })
  return {
    ...worker,
    async reload() {
      manager.reloading()
      await worker.reload()
      manager.ready()
    },
  }
}
