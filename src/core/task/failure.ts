import * as v from "valibot"

/** An error as a plain fact that crosses processes and stores with its name, code, stack and causes. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly stack?: string | undefined
  readonly cause?: Failure | undefined
}

export const Failure: v.GenericSchema<unknown, Failure> = v.looseObject({
  name: v.string(),
  message: v.string(),
  code: v.optional(v.string()),
  stack: v.optional(v.string()),
  cause: v.optional(v.lazy(() => Failure)),
}) as v.GenericSchema<unknown, Failure>

const DEPTH = 8
const TEXT = 16_384

/** Anything thrown, as a fact. Long texts are cut at 16,384 characters, chains of causes at 8. */
export function toFailure(thrown: unknown, depth = DEPTH): Failure {
  if (!(thrown instanceof Error) && !isErrorLike(thrown))
    return { name: "Error", message: clip(describe(thrown)) }
  const code = (thrown as { code?: unknown }).code
  const cause = (thrown as { cause?: unknown }).cause
  return {
    name: clip(String(thrown.name || "Error")),
    message: clip(String(thrown.message)),
    ...((typeof code === "string" || typeof code === "number") && { code: clip(String(code)) }),
    ...(typeof thrown.stack === "string" && { stack: clip(thrown.stack) }),
    ...(cause !== undefined && cause !== null && depth > 1 && { cause: toFailure(cause, depth - 1) }),
  }
}

const isErrorLike = (value: unknown): value is Error =>
  typeof value === "object" && value !== null && "message" in value && "name" in value

function describe(thrown: unknown): string {
  if (typeof thrown === "string") return thrown
  try {
    return JSON.stringify(thrown) ?? String(thrown)
  } catch {
    return String(thrown)
  }
}

const clip = (text: string) => (text.length > TEXT ? `${text.slice(0, TEXT)}…` : text)

/**
 * What makes two failures "the same" for a person with a thousand of them: the task, the name, the code, and
 * the message with its numbers, quoted parts and ids taken out.
 */
export function fingerprint(task: string, failure: Failure): string {
  const shape = failure.message
    .slice(0, 500)
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, "#")
    .replace(/0x[0-9a-f]+/gi, "#")
    .replace(/(["'`])(?:(?!\1).)*\1/g, "#")
    .replace(/\d+(\.\d+)?/g, "#")
    .replace(/\s+/g, " ")
  return `${task} ${failure.code ?? failure.name}: ${shape}`
}
