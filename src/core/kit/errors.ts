/** What a caller can act on; it decides the exit code of a command, see docs/cli.md. */
export type ErrorKind = "failed" | "invalid" | "missing" | "duplicate" | "timeout" | "unavailable"

/**
 * The error every part of Stem throws on purpose. `code` is stable and meant for programs, `message` says what was
 * wrong and where, `hint` says what to do next.
 */
export class StemError extends Error {
  override readonly name = "StemError"
  readonly code: string
  readonly kind: ErrorKind
  readonly hint: string | undefined

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.code = code
    this.hint = options.hint
  }
}

/** Wrong usage, configuration or data: nothing was done. */
export const invalid = (code: string, message: string, hint?: string, cause?: unknown): StemError =>
  new StemError("invalid", code, message, { ...(hint !== undefined && { hint }), cause })

/** A store that can not be reached, is full, read-only or broken: nothing was accepted that is not stored. */
export const unavailable = (code: string, message: string, hint?: string, cause?: unknown): StemError =>
  new StemError("unavailable", code, message, { ...(hint !== undefined && { hint }), cause })

/** The sentence of anything thrown, for showing to people. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name
  return typeof thrown === "string" ? thrown : String(thrown)
}
