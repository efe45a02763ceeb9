import { messageOf, StemError } from "../../core/kit/errors.ts"
import type { WireError } from "./protocol.ts"

/** A Stem error as it crosses the process boundary; anything else thrown becomes an unexpected one. */
export function toWireError(thrown: unknown): WireError {
  if (!isStemError(thrown)) return { kind: "failed", code: "unexpected", message: messageOf(thrown) }
  const { kind, code, message, hint } = thrown
  return { kind, code, message, ...(hint !== undefined && { hint }) }
}

export const fromWireError = ({ kind, code, message, hint }: WireError): StemError =>
  new StemError(kind, code, message, { ...(hint !== undefined && { hint }) })

// By its fields: two copies of this library may be loaded.
const isStemError = (thrown: unknown): thrown is StemError =>
  thrown instanceof StemError || (thrown instanceof Error && thrown.name === "StemError" && "kind" in thrown)

/** The names by which retry lists may know an error: its own, its class and the classes above it. */
export function namesOf(thrown: unknown): string[] {
  if (typeof thrown !== "object" || thrown === null) return ["Error"]
  const names = new Set<string>()
  const own = (thrown as { name?: unknown }).name
  if (typeof own === "string") names.add(own)
  for (
    let at = Object.getPrototypeOf(thrown);
    at && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    const name = at.constructor?.name
    if (typeof name === "string" && name) names.add(name)
  }
  return [...names]
}
