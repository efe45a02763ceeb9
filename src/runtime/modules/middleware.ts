import { invalid } from "../../core/kit/errors.ts"
import { type Middleware, middlewarePlace, middlewareProblem } from "../../core/task/define-middleware.ts"
import { lineOfExport, showPlace } from "./source.ts"

/**
 * The middleware that a module exports, in the order of definition; its name is its own, else the export's. What is
 * exported twice counts once. Throws `invalid` naming file and line.
 */
export function middlewareOf(path: string, exports: Record<string, unknown>): readonly Middleware[] {
  const found = new Map<unknown, Middleware>()
  for (const [name, value] of Object.entries(exports)) {
    if (middlewarePlace(value) === undefined || found.has(value)) continue
    const problem = middlewareProblem(value)
    if (problem !== undefined)
      throw invalid("invalid_definition", `${showPlace(path, lineOfExport(path, name))}: ${name}.${problem}`)
    const middleware = value as Middleware
    // Its functions may look for their neighbours.
    middleware.name ??= name
    found.set(value, middleware)
  }
  return [...found.values()].sort((a, b) => (middlewarePlace(a) ?? 0) - (middlewarePlace(b) ?? 0))
}
