import { existsSync, statSync } from "node:fs"
import { basename, extname } from "node:path"
import { invalid, type StemError } from "../../core/kit/errors.ts"
import type { TaskSpec } from "../../core/task/define.ts"
import { type Middleware, middlewarePlace } from "../../core/task/define-middleware.ts"
import { isScheduleDefinition } from "../../core/task/define-schedule.ts"
import type { Schedule } from "../../core/task/schedule.ts"
import { checkDefinition, type LoadedTask } from "./definition.ts"
import { diagnose } from "./diagnose.ts"
import { middlewareOf } from "./middleware.ts"
import { loadSchedule } from "./schedule.ts"
import { lineOfExport, showPath, showPlace } from "./source.ts"

/** What task modules define. */
export interface LoadedModules {
  readonly tasks: ReadonlyMap<string, LoadedTask>
  readonly specs: ReadonlyMap<string, TaskSpec>
  readonly schedules: readonly Schedule[]
  /** In the order of modules, and then of definition. */
  readonly middleware: readonly Middleware[]
  /** The name of a task by its definition or function. */
  nameOf(value: unknown): string | undefined
}

interface Found {
  readonly task: LoadedTask
  readonly value: unknown
  readonly place: string
}

/**
 * Imports user modules by absolute path and finds their tasks.
 *
 * Every exported function is a task by design, and so is every exported object with a function `run`; what is
 * not meant as one must not be exported. An object that says when and which task is a schedule; what defineMiddleware made is middleware. Classes and other values are left alone. A task's name is its
 * definition's, else the export's; for `default` the file's, without its ending.
 *
 * Throws `invalid` naming file and line: a file that is missing, can not be read as code, imports what is not
 * there, throws while loading, defines nothing, a wrong option, or two tasks or schedules of one name.
 */
export async function loadModules(paths: readonly string[]): Promise<LoadedModules> {
  const found = new Map<string, Found>()
  const middleware: Middleware[] = []
  const waiting: { path: string; name: string; value: object }[] = []
  for (const path of new Set(paths)) {
    const exports = await importModule(path)
    const tasks = tasksOf(path, exports)
    for (const one of tasks) add(found, one)
    const around = middlewareOf(path, exports)
    middleware.push(...around.filter((one) => !middleware.includes(one)))
    const scheduled = Object.entries(exports).filter(([, value]) => isScheduleDefinition(value))
    for (const [name, value] of scheduled) waiting.push({ path, name, value: value as object })
    if (tasks.length + scheduled.length + around.length === 0) throw noTask(path)
  }
  const names = new Map([...found].map(([name, { value }]) => [value, name]))
  const taskOf = (value: unknown) => {
    const name = names.get(value)
    return name === undefined ? undefined : found.get(name)?.task.spec
  }
  const schedules = new Map<string, Schedule>()
  for (const { path, name, value } of waiting) loadSchedule(schedules, { path, name, value, taskOf })
  return {
    schedules: [...schedules.values()],
    middleware,
    tasks: new Map([...found].map(([name, { task }]) => [name, task])),
    specs: new Map([...found].map(([name, { task }]) => [name, task.spec])),
    nameOf: (value) => names.get(value),
  }
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  if (!existsSync(path)) throw invalid("module_not_found", `${showPath(path)}: there is no such file`)
  if (statSync(path).isDirectory())
    throw invalid(
      "module_is_folder",
      `${showPath(path)} is a folder`,
      "Name the file in it that exports the tasks.",
    )
  try {
    return (await import(path)) as Record<string, unknown>
  } catch (error) {
    throw diagnose(path, error)
  }
}

function tasksOf(path: string, exports: Record<string, unknown>): Found[] {
  const names = Object.keys(exports)
  const named = new Set(names.filter((name) => name !== "default").map((name) => exports[name]))
  return names
    .filter((name) => name !== "default" || !named.has(exports.default))
    .map((name) => ({ name, value: exports[name] }))
    .filter(({ value }) => isDefinition(value) || isPlainFunction(value))
    .map(({ name, value }) => taskOf(path, name, value))
}

function taskOf(path: string, exported: string, value: unknown): Found {
  const definition = isDefinition(value) ? value : { run: value }
  const given = (definition as { name?: unknown }).name
  const byExport = exported === "default" ? basename(path, extname(path)) : exported
  const place = showPlace(path, lineOfExport(path, exported))
  const checked = checkDefinition(
    typeof given === "string" ? given : byExport,
    definition,
    `${showPath(path)}#${exported}`,
  )
  if ("task" in checked) return { task: checked.task, value, place }
  const { option, message, hint } = checked
  throw invalid("invalid_definition", `${place}: ${exported}${option && `.${option}`}: ${message}`, hint)
}

function add(found: Map<string, Found>, one: Found): void {
  const { name } = one.task.spec
  const other = found.get(name)
  // The same definition, exported again by another module.
  if (other?.value === one.value) return
  if (other)
    throw invalid(
      "duplicate_task",
      `two tasks are named "${name}": ${other.place} and ${one.place}`,
      "Give one of them another `name`.",
    )
  found.set(name, one)
}

const isDefinition = (value: unknown): value is { run: unknown } =>
  typeof value === "object" &&
  value !== null &&
  middlewarePlace(value) === undefined &&
  typeof (value as { run?: unknown }).run === "function"

const isPlainFunction = (value: unknown): boolean =>
  typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value))

const noTask = (path: string): StemError =>
  invalid(
    "no_tasks",
    `${showPath(path)}: exports no task`,
    "Export a function, or defineTask({ run() { … } }).",
  )
