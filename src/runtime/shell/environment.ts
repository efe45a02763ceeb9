import type { Delivery } from "../../core/task/lease.ts"
import type { ShellInput } from "../../core/task/shell.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Stem's own settings, which may hold passwords, and the line to the service manager. */
const PRIVATE = /^(?:STEM_.*|NOTIFY_SOCKET|WATCHDOG_(?:USEC|PID)|LISTEN_(?:FDS|FDNAMES|PID)|NODE_CHANNEL_FD)$/

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

/** What a command inherits of its worker's environment. There always is a PATH. */
export function inheritedBy(env: Environment): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !PRIVATE.test(entry[0]),
  )
  return { ...Object.fromEntries(kept), PATH: env.PATH || DEFAULT_PATH }
}

/** What a command is told by variables: what its sender set, and which run it is. */
export function toldTo({ env }: ShellInput, delivery: Delivery, maxAttempts: number): Record<string, string> {
  const { envelope, lease, attempt } = delivery
  return {
    ...env,
    STEM_TASK_ID: envelope.id,
    STEM_QUEUE: envelope.queue,
    STEM_ATTEMPT: String(attempt),
    STEM_MAX_ATTEMPTS: String(maxAttempts),
    STEM_TOKEN: String(lease.token),
    STEM_IDEMPOTENCY_KEY: envelope.id,
    STEM_HEADERS: JSON.stringify(envelope.headers),
  }
}

/** The bytes of a command's stdin. */
export const stdinOf = ({ stdin }: ShellInput): string | undefined =>
  stdin === undefined ? undefined : typeof stdin === "string" ? stdin : JSON.stringify(stdin)
