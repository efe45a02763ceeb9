import type { TlsFiles } from "../contracts/driver.ts"
import type { Duration } from "../kit/duration.ts"
import type { Middleware } from "../task/define-middleware.ts"

/** What a program may say of its connection; what it leaves open the environment says, as for commands. */
export interface ConnectOptions {
  /** Keeps installations on one store apart. */
  namespace?: string
  /** Where ended tasks are remembered; the broker's URL unless set. */
  results?: string
  /**
   * Keeps what is sent while the store is away: a file, or true for the usual one. The store is then opened at the
   * first call, and a worker with this spool, or `stem spool flush`, delivers.
   */
  spool?: string | boolean
  /** How long a connection attempt may take. Default: 5 s. */
  connectTimeout?: Duration
  /**
   * Whether tasks about which the program says nothing go where the nearest stem.toml sends them, as for commands.
   * Nothing else of the file is read. Default: true.
   */
  routing?: boolean
  /** Around every task that is sent, the first outermost; of middleware only `enqueue` is used in programs. */
  middleware?: readonly Middleware[]
  /** PEM files: certificates to trust, and our own with its key. */
  tls?: TlsFiles
}
