import { messageOf, StemError, unavailable } from "../../core/kit/errors.ts"

/**
 * Whether an error means that the connection, or the server behind it, must be left: it is gone, or it has become a
 * replica, is loading, or was thrown out of its cluster.
 */
export function isBroken(error: unknown): boolean {
  if (error instanceof StemError) return false
  const code = String((error as { code?: unknown } | undefined)?.code ?? "")
  return GONE.test(messageOf(error)) || /^(E[A-Z]{4,}|UND_)/.test(code)
}

const GONE =
  /^-?(READONLY|LOADING|MASTERDOWN|UNBLOCKED|CLUSTERDOWN|NOREPLICAS)\b|Connection is closed|Connection closed|Stream isn't writeable|Command aborted due to connection close|None of startup nodes|Failed to refresh slots|All sentinels are unreachable|Protocol error/

/** The trouble of a whole store as `unavailable`; undefined for anything else. */
export function storeTrouble(error: unknown, where: string): StemError | undefined {
  if (error instanceof StemError) return error.kind === "unavailable" ? error : undefined
  const message = messageOf(error)
  if (/^(WRONGPASS|NOAUTH|NOPERM)\b|invalid (username-)?password|without any password/i.test(message))
    return unavailable(
      "store_auth",
      `${where} refuses these credentials: ${firstSentence(message)}`,
      "Check user and password of the URL, and what the user may do: redis-cli ACL GETUSER <user>",
    )
  if (/^OOM\b/.test(message))
    return unavailable(
      "store_full",
      `${where} has no memory left: its maxmemory is reached`,
      "Raise maxmemory (redis-cli CONFIG SET maxmemory <bytes>), or let workers drain the queues; nothing has to be restarted.",
    )
  if (/^TRYAGAIN\b|Too many Cluster redirections/.test(message))
    return unavailable(
      "store_moving",
      `${where} is moving this namespace from one node to another`,
      "Wait until it has arrived; redis-cli --cluster check <host>:<port> shows slots that are on their way.",
    )
  if (/^(MISCONF|ERR .*disk)\b/.test(message))
    return unavailable(
      "store_readonly",
      `${where} can not write to its disk and takes nothing in`,
      "Free its disk, or see why saving fails: redis-cli INFO persistence",
    )
  return undefined
}

/** A connection that could not be made, with its likely cause. */
export function connectTrouble(error: unknown, where: string, tls: boolean): StemError {
  const known = storeTrouble(error, where)
  if (known) return known
  const message = messageOf(error)
  const code = String((error as { code?: unknown } | undefined)?.code ?? "")
  const cause = CAUSES.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1]
  const plain = tls
    ? "Does the server speak TLS on this port?"
    : "Does the server want TLS (rediss://) on this port?"
  const silent = tls && /no answer within/.test(message)
  return unavailable(
    "store_away",
    `${where} can not be reached: ${firstSentence(message)}`,
    cause ?? (silent || /closed|reset/i.test(message) ? plain : "Is it running, and is the address right?"),
  )
}

const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, "Nothing listens there: is the server running, and is the port right?"],
  [/ENOTFOUND|EAI_AGAIN/, "The name of the host is not known here: is it spelled right?"],
  [
    /Unknown RESP type/,
    "Something answers there that is not Redis: is the port right, or is a proxy between?",
  ],
  [
    /None of startup nodes/,
    "No node that the URL names answers: do they run, are their ports right, and do they speak TLS just if the URL says so?",
  ],
  [/No such master/, "The Sentinels know no master of that name: redis-cli -p 26379 SENTINEL masters"],
  [
    /Invalid CA|NO_START_LINE|PEM routines/,
    "A file of --tls-ca, --tls-cert or --tls-key is not PEM, or another one than its name says.",
  ],
  [/KEY_TYPE_MISMATCH|KEY_VALUES_MISMATCH/, "The certificate and its key do not go together."],
  [/EXPIRED/i, "The server's certificate has expired."],
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|self.signed|unable to (verify|get)/i,
    "The server's certificate is signed by nobody this machine trusts: name its CA's file with --tls-ca.",
  ],
  [/ALTNAME|altnames/i, "The certificate is for another host name: use the name it was made for."],
  [
    /CERTIFICATE_REQUIRED|ALERT|handshake|certificate/i,
    "The handshake failed: does the server ask for a client certificate (--tls-cert, --tls-key), and is ours signed by its CA?",
  ],
]

/** The server's own words without what it says of the script. */
const firstSentence = (message: string) => message.replace(/ script: [\s\S]*$/, "").split("\n")[0] as string
