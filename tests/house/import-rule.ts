/** Who may import whom; the table in ARCHITECTURE.md as a function. */
import { dirname, join, normalize } from "node:path"
import { withoutComments } from "./tree.ts"

/** Every module that the text names: static, type-only, re-exported, dynamic and required. */
export function importsOf(text: string): readonly string[] {
  const code = withoutComments(text)
  const found: string[] = []
  const statement = /^\s*(?:import|export)\b(?:[^"'`;]*?\bfrom)?\s*["']([^"']+)["']/gm
  for (const [, name] of code.matchAll(statement)) found.push(name as string)
  for (const [, name] of code.matchAll(/\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g))
    found.push(name as string)
  return found
}

/** Rooms inside core, from left to right; a room imports only from columns left of its own. */
const COLUMNS: readonly (readonly string[])[] = [
  ["kit"],
  ["task"],
  ["contracts"],
  ["policy"],
  ["canvas"],
  ["config", "observe"],
  ["client", "control"],
  ["worker", "beat", "upkeep"],
]
const columnOf = (room: string) => COLUMNS.findIndex((rooms) => rooms.includes(room))

/** Which npm package, or part of Bun, may be imported where. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  ioredis: /^src\/adapters\/redis\//,
  postgres: /^src\/adapters\/postgres\//,
  "bun:sqlite": /^src\/adapters\/sqlite\//,
  citty: /^src\/(main\.ts|commands\/)/,
  consola: /^src\/(main\.ts|commands\/)/,
  rrule: /^src\/core\/beat\/rrule\.ts$/,
  suncalc: /^src\/core\/beat\/solar\.ts$/,
  "@opentelemetry/api": /^src\/core\/observe\//,
  "smol-toml": /^src\/core\/config\//,
  valibot: /^src\/(core|adapters|runtime|commands)\//,
}

const packageOf = (name: string) => name.split("/", name.startsWith("@") ? 2 : 1).join("/")

/** What is wrong with one import, or undefined. `from` is a path under src, `name` as it is written. */
export function refusal(from: string, name: string): string | undefined {
  if (name.startsWith(".")) {
    const to = normalize(join(dirname(from), name))
    if (to === "package.json") return undefined
    return mayImport(from, to) ? undefined : `${from} may not import ${to}`
  }
  const inCore = from.startsWith("src/core/") || from === "src/index.ts"
  if (name === "bun" || name.startsWith("node:") || name.startsWith("bun:")) {
    if (inCore) return `${from} may not import ${name}: core knows no machine`
    const only = PACKAGES[name]
    return only && !only.test(from) ? `${from} may not import ${name}` : undefined
  }
  const allowed = PACKAGES[packageOf(name)]
  if (!allowed) return `${from} imports ${name}: no room is given this package`
  return allowed.test(from) ? undefined : `${from} may not import ${name}`
}

function mayImport(from: string, to: string): boolean {
  const [, room = "", part = ""] = from.split("/")
  const core = /^src\/core\//.test(to)
  const base = /^src\/core\/(kit|task|contracts)\//.test(to)
  switch (room) {
    case "main.ts":
      return to.startsWith("src/commands/")
    case "index.ts":
      return core || to === "src/stem.ts"
    case "stem.ts":
    case "stem":
      return (
        core || to === "src/adapters/index.ts" || to.startsWith("src/runtime/") || to.startsWith("src/stem/")
      )
    case "commands":
      return core || to === "src/stem.ts" || to.startsWith("src/commands/")
    case "runtime":
      return base || to.startsWith("src/runtime/")
    case "adapters":
      if (part === "machine-clock.ts") return base
      if (part === "index.ts") return base || /^src\/adapters\/[^/]+\/driver\.ts$/.test(to)
      return base || to.startsWith(`src/adapters/${part}/`) || to === "src/adapters/machine-clock.ts"
    case "core": {
      if (!core) return false
      const room = to.split("/")[2] as string
      return room === part || (columnOf(room) >= 0 && columnOf(room) < columnOf(part))
    }
    default:
      return false
  }
}

/** Rooms of core that the order does not know. */
export const unknownRooms = (files: readonly string[]): readonly string[] => [
  ...new Set(
    files
      .filter((path) => path.startsWith("src/core/"))
      .map((path) => path.split("/")[2] as string)
      .filter((room) => columnOf(room) < 0),
  ),
]

/** Circles between files, each as the list of its files. */
export function circles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = []
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (path: string): void => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      found.push([...trail.slice(at), path].join(" -> "))
      return
    }
    if (done.has(path)) return
    trail.push(path)
    for (const next of graph.get(path) ?? []) visit(next)
    trail.pop()
    done.add(path)
  }
  for (const path of graph.keys()) visit(path)
  return found
}
