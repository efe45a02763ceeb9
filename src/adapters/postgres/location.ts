import { invalid } from "../../core/kit/errors.ts"

/** What a `postgres://` URL says. */
export interface Location {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  /** The schema that holds the tables. */
  readonly schema: string
  /** Whether statements may be prepared; undefined: found out, for a transaction pooler forgets them. */
  readonly prepare: boolean | undefined
  readonly tls: TlsMode
}

/** As libpq's sslmode; "prefer" takes what the server offers. */
export type TlsMode = (typeof TLS_MODES)[number]
const TLS_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const

const PARAMETERS = ["schema", "prepare", "sslmode"]
const EXAMPLE = "Write it as postgresql://user:password@host:5432/database."
const SCHEMA = /^[a-z_][a-z0-9_]{0,47}$/

/** Reads a URL. Throws `invalid_store_url`, which never shows the password. */
export function locate(url: string, needsTls = false): Location {
  const parsed = parse(url)
  const parameters = new Map(parsed.searchParams)
  for (const name of parameters.keys())
    if (!PARAMETERS.includes(name))
      throw refused(`"${name}" is no parameter of a Postgres URL`, `Known are ${PARAMETERS.join(", ")}.`)
  const schema = parameters.get("schema") ?? "stem"
  if (!SCHEMA.test(schema) || schema.startsWith("pg_"))
    throw refused(
      `"${schema}" can not be the schema's name`,
      "Use up to 48 small letters, digits and _, not beginning with a digit or pg_.",
    )
  const user = decodeURIComponent(parsed.username) || "postgres"
  return {
    host: decodeURIComponent(parsed.hostname.replace(/^\[|\]$/g, "")) || "127.0.0.1",
    port: Number(parsed.port || 5432),
    database: decodeURIComponent(parsed.pathname.slice(1)) || user,
    user,
    password: decodeURIComponent(parsed.password),
    schema,
    prepare: oneOf("prepare", parameters.get("prepare"), { true: true, false: false }),
    tls: oneOf("sslmode", parameters.get("sslmode"), TLS) ?? (needsTls ? "verify-full" : "prefer"),
  }
}

const TLS = Object.fromEntries(TLS_MODES.map((mode) => [mode, mode])) as Record<string, TlsMode>

function oneOf<T>(name: string, said: string | undefined, known: Record<string, T>): T | undefined {
  if (said === undefined || said in known) return known[said ?? ""]
  throw refused(`${name} can not be "${said}"`, `Use one of ${Object.keys(known).join(", ")}.`)
}

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw refused("the Postgres URL can not be read", EXAMPLE)
  }
}

const refused = (message: string, hint: string) => invalid("invalid_store_url", message, hint)

/** The URL as it may be shown. */
export function withoutSecret(url: string): string {
  const shown = parse(url)
  if (shown.password !== "") shown.password = "***"
  return shown.href
}

/** `postgresql://host:port/database`, for messages. */
export const whereOf = ({ host, port, database }: Location): string =>
  `postgresql://${host.includes(":") ? `[${host}]` : host}:${port}/${database}`
