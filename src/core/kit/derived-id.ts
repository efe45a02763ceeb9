import { fingerprint } from "./fingerprint.ts"

/** The longest id there may be. */
const MAX = 200

/** An id made of another one, the same each time. Where it would be too long its beginning is told by a fingerprint. */
export const derivedId = (base: string, suffix: string): string =>
  base.length + suffix.length <= MAX ? base + suffix : `${fingerprint(base)}${suffix}`
