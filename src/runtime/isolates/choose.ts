import type { Isolates } from "../../core/contracts/isolates.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import type { PublicNames } from "../modules/virtual.ts"
import type { AideOptions } from "./aide.ts"
import type { MiddlewareFacts } from "./protocol.ts"

/** How tasks are to run. */
export interface IsolatesChoice {
  readonly modules: readonly string[]
  readonly isolation: "process" | "none"
  readonly isolates: number
  readonly maxTasks: number
  readonly maxRssBytes: number
  readonly shell: boolean
  readonly shellAllow: readonly string[]
}

/** Where tasks run: modules in children or in this process, and commands beside them where they are allowed. */
export async function chooseIsolates(
  choice: IsolatesChoice,
  clock: Clock,
  exports: PublicNames,
): Promise<Isolates> {
  const { modules, shell, shellAllow: allow } = choice
  if (!shell) return moduleIsolates(choice, clock, exports)
  const { createShell } = await import("../shell/run.ts")
  const commands = createShell({ allow, clock })
  if (modules.length === 0) return commands
  const { combineIsolates } = await import("./combine.ts")
  return combineIsolates(await moduleIsolates(choice, clock, exports), commands)
}

async function moduleIsolates(
  { modules, isolation, isolates, maxTasks, maxRssBytes }: IsolatesChoice,
  clock: Clock,
  exports: PublicNames,
): Promise<Isolates> {
  if (isolation === "none") {
    const { createInlineIsolates } = await import("./inline.ts")
    return createInlineIsolates({ modules, clock, exports })
  }
  const { createProcessIsolates } = await import("./pool.ts")
  return createProcessIsolates({ modules, isolates, maxTasks, maxRssBytes, clock })
}

/** The schedules that modules define, read in a child: no user code runs here. Throws as a worker's start does. */
export async function readSchedules(
  modules: readonly string[],
  clock: Clock,
  defined: (facts: MiddlewareFacts) => void = () => {},
): Promise<readonly Schedule[]> {
  if (modules.length === 0) return []
  const { createProcessIsolates } = await import("./pool.ts")
  const isolates = createProcessIsolates({ modules, isolates: 1, clock, defined })
  try {
    await isolates.start({
      progress() {},
      log() {},
      died() {},
      unable() {},
      able() {},
      differs() {},
      enqueue: () => Promise.reject(new Error("nothing runs here")),
      ask: () => Promise.reject(new Error("nothing runs here")),
    })
    return isolates.schedules?.() ?? []
  } finally {
    await isolates.stop()
  }
}

/** The schedules of a Beat's modules, and their `enqueue` middleware in a process that lives as long as it does. */
export async function beatModules(modules: readonly string[], clock: Clock, hooks: AideOptions["hooks"]) {
  const { createAide } = await import("./aide.ts")
  const { selfCommand } = await import("./process.ts")
  const aide = createAide({ command: selfCommand(), modules, clock, hooks })
  return {
    /** Reads them anew; middleware too. */
    read: () => readSchedules(modules, clock, ({ enqueue }) => aide.launch({ hooks: [], enqueue })),
    pass: aide.pass,
    close: aide.close,
  }
}
