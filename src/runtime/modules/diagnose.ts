import { invalid, messageOf, type StemError } from "../../core/kit/errors.ts"
import { findImporter, lineOfImport, showPath, showPlace } from "./source.ts"

/** What Bun throws when a module can not be read as code. */
interface BuildMessage {
  readonly message: string
  readonly position: { readonly file: string; readonly line: number; readonly column: number } | null
}

/** What Bun throws when an import leads nowhere. */
interface ResolveMessage {
  readonly message: string
  readonly specifier: string
  readonly referrer: string
}

const MISSING_EXPORT = /^Export named '(.+)' not found in module '(.+)'\.$/

/**
 * Why a task module did not load, as a sentence for its author with the file and line it is about. It is their
 * error and not Stem's, so the original is kept as the cause.
 */
export function diagnose(path: string, thrown: unknown): StemError {
  const builds =
    thrown instanceof AggregateError ? (thrown.errors as BuildMessage[]) : [thrown as BuildMessage]
  const first = builds.find((build) => build?.position)
  if (first?.position) {
    const { file, line, column } = first.position
    return failed("module_syntax", `${showPlace(file, line)}:${column}: ${first.message}`, thrown)
  }
  if (isResolveMessage(thrown)) return missingModule(thrown)
  const missing = MISSING_EXPORT.exec(messageOf(thrown))
  if (missing) return missingExport(path, missing[2] as string, missing[1] as string, thrown)
  return thrownAtLoad(path, thrown)
}

const failed = (code: string, message: string, cause: unknown, hint?: string) =>
  invalid(code, message, hint, cause)

const isResolveMessage = (thrown: unknown): thrown is ResolveMessage =>
  (thrown as { name?: unknown } | null)?.name === "ResolveMessage"

function missingModule(thrown: ResolveMessage): StemError {
  const { specifier, referrer } = thrown
  const bare = !/^[./]/.test(specifier)
  return failed(
    "module_import",
    `${showPlace(referrer, lineOfImport(referrer, specifier))}: cannot find ${bare ? "package" : "module"} "${specifier}"`,
    thrown,
    bare
      ? `Install it beside the file, or check the spelling.`
      : "Check the path; it is relative to the file.",
  )
}

function missingExport(path: string, module: string, name: string, thrown: unknown): StemError {
  const importer = findImporter(path, module, name)
  return failed(
    "module_import",
    `${showPlace(importer?.path ?? path, importer?.line)}: "${module === "stem" ? module : showPath(module)}" exports no "${name}"`,
    thrown,
    "If it is only a type, import it with `import type`.",
  )
}

function thrownAtLoad(path: string, thrown: unknown): StemError {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : ""
  const frames = [...stack.matchAll(/\(?((?:\/|[A-Za-z]:\\)[^():\n]*):(\d+):\d+\)?$/gm)]
  // The author's own file says more than the library that threw in it.
  const own =
    frames.find(([, file]) => file === path) ??
    frames.find(([, file]) => !/node_modules|bunfs/.test(file ?? ""))
  const place = own ? showPlace(own[1] as string, Number(own[2])) : showPath(path)
  const name = thrown instanceof Error && thrown.name !== "Error" ? `${thrown.name}: ` : ""
  return failed(
    "module_threw",
    `${place}: ${name}${messageOf(thrown)}`,
    thrown,
    "It was thrown while the module was loading.",
  )
}
