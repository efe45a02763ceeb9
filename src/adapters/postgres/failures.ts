import { messageOf, StemError, unavailable } from "../../core/kit/errors.ts"

/** The SQLSTATE of a server's error, or the code of the system's or the client's. */
export const codeOf = (error: unknown): string =>
  String((error as { code?: unknown } | undefined)?.code ?? "")

/** By what only a server says: the name of the client's class is another one in the executable. */
const isServerError = (error: unknown): boolean =>
  error instanceof Error && "severity" in error && /^[0-9A-Z]{5}$/.test(codeOf(error))

/**
 * Whether the connection, or the server behind it, must be left: it became read-only, is shutting down, or what
 * was thrown is no answer of a server at all.
 */
export function isBroken(error: unknown): boolean {
  if (error instanceof StemError) return false
  if (!isServerError(error))
    return error instanceof Error && /^(CONNECTION_|E[A-Z]+$|ERR_)/.test(codeOf(error))
  return /^(25006|57P0[1-5]|08|53300|26000)/.test(codeOf(error))
}

/** Whether the server gave up one of several who got in each other's way: nothing happened, and trying again helps. */
export const isRetryable = (error: unknown): boolean =>
  isServerError(error) && ["40001", "40P01"].includes(codeOf(error))

/** Whether nothing happened because of what settle_plain found; see there. */
export function isAnother(error: unknown): boolean {
  const known = error instanceof StemError ? error.cause : error
  return isServerError(known) && codeOf(known) === "STEM1"
}

/** Whether nothing happened because a row of the same key is there, or has come meanwhile. */
export function isDuplicate(error: unknown): boolean {
  const known = error instanceof StemError ? error.cause : error
  return isServerError(known) && codeOf(known) === "23505"
}

interface Trouble {
  readonly code: string
  readonly says: string
  readonly hint: string
  /** What the server's own words must be. */
  readonly when?: RegExp
}

const TROUBLES: readonly (readonly [sqlstate: RegExp, Trouble])[] = [
  [
    /^28000/,
    {
      code: "store_tls",
      says: "wants to see a certificate of ours, signed by an authority it knows",
      hint: "Name it with --tls-cert, and its key with --tls-key.",
      when: /client certificate/,
    },
  ],
  [
    /^28000/,
    {
      code: "store_auth",
      says: "lets nobody in from here without TLS",
      hint: "Leave sslmode=disable out of the URL, or look at pg_hba.conf there.",
      when: /pg_hba\.conf.*(no encryption|SSL off)/,
    },
  ],
  [
    /^(28P01|28000)/,
    {
      code: "store_auth",
      says: "refused the user or the password",
      hint: "Check the user and the password of the URL, and pg_hba.conf for who may come from where.",
    },
  ],
  [
    /^(53100|53200|53400)/,
    {
      code: "store_full",
      says: "has no room left on its disk or in its memory",
      hint: "Make room there; nothing has to be restarted.",
    },
  ],
  [
    /^25006/,
    {
      code: "store_readonly",
      says: "is read-only",
      hint: "Point the URL at the primary, or look at default_transaction_read_only.",
    },
  ],
  [
    /^3D000/,
    { code: "store_no_database", says: "has no such database", hint: "Make it first: createdb NAME" },
  ],
  [
    /^(42501|42P06)/,
    {
      code: "store_denied",
      says: "does not let this user do that",
      hint: "Grant the user the schema: GRANT ALL ON SCHEMA stem TO name, and on all tables and functions in it.",
    },
  ],
  [
    /^(42P01|42883|3F000)/,
    {
      code: "store_no_schema",
      says: "has lost Stem's tables or functions",
      hint: "Bring the schema back: stem migrate",
    },
  ],
  [
    /^(57014|55P03)/,
    {
      code: "store_busy",
      says: "took too long, or somebody has kept a lock for too long",
      hint: "Look for long transactions: SELECT * FROM pg_stat_activity WHERE state <> 'idle'",
    },
  ],
]

/** The trouble of the whole store as `unavailable`, naming where and what to do; undefined for anything else. */
export function storeTrouble(error: unknown, where: string): StemError | undefined {
  const known = error instanceof StemError ? error.cause : error
  const trouble = TROUBLES.find(
    ([pattern, { when }]) => pattern.test(codeOf(known)) && (when?.test(messageOf(known)) ?? true),
  )?.[1]
  if (trouble && isServerError(known))
    return unavailable(trouble.code, `${where} ${trouble.says}`, trouble.hint, error)
  if (error instanceof StemError) return error
  if (isServerError(error))
    return unavailable(
      "store_failed",
      `${where} could not do it: ${(error as Error).message}`,
      undefined,
      error,
    )
  return undefined
}

/** Why a connection could not be made, with the likely cause. */
export function connectTrouble(error: unknown, where: string): StemError {
  const known = storeTrouble(error, where)
  if (known && known.code !== "store_failed") return known
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (/CERT|TLS|SSL|HOSTNAME|SELF_SIGNED|certificate|altname/i.test(`${code} ${message}`))
    return unavailable(
      "store_tls",
      `the TLS handshake with ${where} failed: ${message}`,
      tlsHint(`${code} ${message}`),
      error,
    )
  return unavailable(
    "store_away",
    `${where} can not be reached: ${message || code}`,
    HINTS[code] ?? "Is it running, and is the address right?",
    error,
  )
}

const HINTS: Record<string, string> = {
  ECONNREFUSED: "Nothing listens there: is the server running, and is the port right?",
  ENOTFOUND: "The host's name is not known: is it spelled right?",
  ETIMEDOUT: "Nothing answers there: a firewall, or a wrong address?",
  "53300": "Raise max_connections there, or put a pooler in front.",
}

function tlsHint(text: string): string {
  if (/ALTNAME|altname|HOSTNAME|does not match/i.test(text))
    return "The certificate is for another host: use the name it was made for, or sslmode=verify-ca."
  if (/EXPIRED/i.test(text)) return "The certificate has run out: renew it on the server."
  if (/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_)/.test(text))
    return "The server does not accept our certificate: is it signed by an authority that is named there (ssl_ca_file)?"
  if (/SELF_SIGNED|UNABLE_TO|UNKNOWN_CA|self.signed|unable to/i.test(text))
    return "Its authority is not known here: name the CA's file with --tls-ca, or use sslmode=require."
  if (/does not support SSL|NOT_SUPPORTED/i.test(text))
    return "The server speaks no TLS: switch it on there, or use sslmode=disable."
  return "Does the server speak TLS there, and do certificate and key go together?"
}
