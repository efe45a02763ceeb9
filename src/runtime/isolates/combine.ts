import type { Isolates } from "../../core/contracts/isolates.ts"
import { invalid } from "../../core/kit/errors.ts"
import type { TaskSpec } from "../../core/task/define.ts"

/**
 * Two ways to run tasks as one. `special` runs the tasks it names, `general` all others; a task both define is
 * refused when they start, and when they are reloaded.
 */
export function combineIsolates(general: Isolates, special: Isolates): Isolates {
  let from: ReadonlyMap<string, TaskSpec> | undefined
  let all: ReadonlyMap<string, TaskSpec> = new Map()

  // Asked for every task: made anew only when the modules were.
  const specs = () => {
    const found = general.specs()
    if (found !== from) {
      from = found
      all = new Map([...found, ...special.specs()])
    }
    return all
  }

  function refuseDoubles(): void {
    const found = general.specs()
    for (const [name, { source }] of special.specs()) {
      const other = found.get(name)
      if (!other) continue
      throw invalid(
        "duplicate_task",
        `two tasks are named "${name}": ${other.source} and ${source}`,
        "Give the first another `name`.",
      )
    }
  }

  return {
    async start(hooks) {
      await general.start(hooks)
      try {
        refuseDoubles()
        await special.start(hooks)
      } catch (error) {
        await general.stop()
        throw error
      }
    },
    specs,
    version: () => general.version?.(),
    schedules: () => general.schedules?.() ?? [],
    // Nobody knows what will be taken: without the modules nothing is.
    able: async (signal) => general.able?.(signal),
    extensions: () => general.extensions?.(),
    run: (job) => (special.specs().has(job.delivery.envelope.task) ? special : general).run(job),
    ...(general.limitKeys && { limitKeys: general.limitKeys }),
    // Whose run it is not, hears nothing.
    abort(id, token, reason) {
      special.abort(id, token, reason)
      general.abort(id, token, reason)
    },
    terminate(id, token) {
      special.terminate(id, token)
      general.terminate(id, token)
    },
    async reload() {
      await special.reload()
      await general.reload()
    },
    resize: (count) => general.resize?.(count),
    async stop() {
      await Promise.all([special.stop(), general.stop()])
    },
  }
}
