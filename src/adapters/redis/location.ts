import { invalid } from "../../core/kit/errors.ts"

/** Where a URL leads, taken apart. */
export interface Location {
  readonly kind: "server" | "sentinel" | "cluster"
  readonly tls: boolean
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  /** The master's name that Sentinels know it by. */
  readonly master?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db: number
  /** The same URL without secrets. */
  readonly shown: string
}

const URL_SHAPE = /^(redis|rediss)(\+sentinel|\+cluster)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?$/
const HINT =
  "Write redis://user:password@host:6379/0, rediss:// for TLS, redis+cluster://host:port,host2:port, or redis+sentinel://host:26379,host2:26379/master."

/** Takes a URL apart. Throws `invalid_store_url`, never showing a secret. */
export function locate(url: string): Location {
  const parts = URL_SHAPE.exec(url)
  if (!parts) throw wrong("it can not be read")
  const [, scheme, plus = "", credentials, hostsText = "", path = ""] = parts as unknown as string[]
  const kind = plus === "" ? "server" : (plus.slice(1) as "sentinel" | "cluster")
  const hosts = (hostsText || "127.0.0.1").split(",").map((text) => hostOf(text, kind))
  if (kind === "server" && hosts.length > 1)
    throw wrong("it names several hosts, which redis+cluster: and redis+sentinel: do")
  const segments = path.split("/").filter((segment) => segment !== "")
  const master = kind === "sentinel" ? segments.shift() : undefined
  if (kind === "sentinel" && master === undefined) throw wrong("it does not name the master")
  const db = Number(segments.shift() ?? 0)
  if (!Number.isInteger(db) || db < 0 || segments.length > 0) throw wrong("its database is not a number")
  if (kind === "cluster" && db !== 0) throw wrong("a cluster has only database 0")
  const places = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",")
  const tail = [master, db > 0 ? String(db) : undefined].filter((part) => part !== undefined).join("/")
  return {
    kind,
    tls: scheme === "rediss",
    hosts,
    master,
    ...credentialsOf(credentials),
    db,
    shown: `${scheme}${plus}://${places}${tail && `/${tail}`}`,
  }
}

function hostOf(text: string, kind: Location["kind"]) {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(parts?.[3] ?? (kind === "sentinel" ? 26_379 : 6379))
  if (!parts || port < 1 || port > 65_535) throw wrong("its host can not be read")
  return { host: (parts[1] ?? parts[2]) as string, port }
}

/** `user:password`, `:password`, or `user` alone. */
function credentialsOf(text: string | undefined) {
  if (text === undefined || text === "") return {}
  try {
    const at = text.indexOf(":")
    const [user, password] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
    return {
      ...(user && { username: decodeURIComponent(user) }),
      ...(password && { password: decodeURIComponent(password) }),
    }
  } catch {
    throw wrong("its user or password is not percent-encoded")
  }
}

const wrong = (what: string) =>
  invalid("invalid_store_url", `the URL of the Redis store is wrong: ${what}`, HINT)
