import { under } from "../../core/config/settings.ts"
import { closest } from "../../core/kit/closest.ts"
import type { TaskDefinition } from "../../core/task/define.ts"
import type { Middleware } from "../../core/task/define-middleware.ts"
import { loadTasks } from "../../stem.ts"
import type { Shell } from "../shell/command.ts"
import { usage } from "../shell/exit.ts"

/** What a module defines. */
export interface Definitions {
  readonly middleware: readonly Middleware[]
  /** Throws when it defines no such task. */
  of(task: string): TaskDefinition
}

/** The definitions of a module that is loaded here, in this process. */
export async function definitionsOf(shell: Shell, path: string): Promise<Definitions> {
  const { tasks, middleware } = await loadTasks([under(shell.directory, path)])
  const of = (name: string) => {
    const found = tasks.get(name)
    if (!found) {
      const meant = closest(name, tasks.keys())
      throw usage(
        `${path} defines no task "${name}"`,
        meant ? `Did you mean ${meant}?` : `It defines: ${[...tasks.keys()].join(", ")}.`,
      )
    }
    const { spec, run, input } = found
    return {
      name,
      queue: spec.queue,
      priority: spec.priority,
      run,
      ...(input && { input }),
      ...(spec.expiresInMs !== undefined && { expires: spec.expiresInMs }),
    }
  }
  return { of, middleware }
}
