import { accessSync, constants, realpathSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import type { ShellInput } from "../../core/task/shell.ts"
import type { Refused } from "./protocol.ts"

/** The program of a command: the very path that is started, so that what was checked is what runs. */
export interface Program {
  readonly program: string
  readonly argv0: string
  readonly args: readonly string[]
}

const SHELL = "/bin/sh"

/** These make a program run other code than its own, so with an allow list no task may set them. */
const LOADING =
  /^(?:LD_.*|DYLD_.*|BASH_ENV|ENV|PERL5(?:LIB|OPT)|PYTHON(?:PATH|STARTUP|HOME)|RUBY(?:LIB|OPT)|NODE_OPTIONS|BUN_OPTIONS|GCONV_PATH)$/

/** Finds a command's program, and asks whether this worker may run it. No patterns allow everything. */
export function findProgram(
  { argv, useShell, env = {} }: ShellInput,
  place: { readonly cwd: string; readonly path: string },
  allow: readonly string[],
): Program | Refused {
  const [name = "", ...rest] = argv
  const asked = useShell ? SHELL : name
  const found = asked.includes("/")
    ? look(resolve(place.cwd, asked))
    : search(asked, env.PATH ?? place.path, place.cwd)
  if (allow.length > 0) {
    const loading = Object.keys(env).find((variable) => LOADING.test(variable))
    if (loading) return refused("not_allowed", `with --shell-allow no command may be given ${loading}`)
    if (!isAllowed(found.path, allow))
      return refused("not_allowed", `this worker is not allowed to run ${found.path}`)
  }
  if (found.fault === "missing") return refused("not_found", `${asked} was not found`)
  if (found.fault === "rights") return refused("not_executable", `${found.path} can not be executed`)
  return useShell
    ? { program: found.path, argv0: SHELL, args: ["-c", name, "sh", ...rest] }
    : { program: found.path, argv0: name, args: rest }
}

interface Found {
  readonly path: string
  readonly fault?: "missing" | "rights" | undefined
}

function search(name: string, path: string, cwd: string): Found {
  let best: Found = { path: name, fault: "missing" }
  for (const folder of path.split(":")) {
    const found = look(resolve(cwd, folder, name))
    if (!found.fault) return found
    if (found.fault === "rights") best = found
  }
  return best
}

function look(path: string): Found {
  try {
    if (!statSync(path).isFile()) return { path, fault: "rights" }
  } catch {
    return { path, fault: "missing" }
  }
  try {
    accessSync(path, constants.X_OK)
    return { path }
  } catch {
    return { path, fault: "rights" }
  }
}

/** Whether a pattern names the path, links in its folders followed or not; `/bin` may be a link to `/usr/bin`. */
export function isAllowed(path: string, patterns: readonly string[]): boolean {
  const names = [path, inRealFolder(path)]
  return patterns.some((pattern) => {
    const glob = new Bun.Glob(pattern)
    const real = inRealFolder(pattern)
    return names.some((name) => name === real || glob.match(name))
  })
}

/** The last part is left as it is: links of one name to a program of many (busybox) are different commands. */
function inRealFolder(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    return path
  }
}

const refused = (code: string, message: string): Refused => ({ kind: "refused", code, message })
