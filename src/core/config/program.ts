import type { TlsFiles } from "../contracts/driver.ts"
import type { Duration } from "../kit/duration.ts"
import { parseDuration } from "../kit/duration.ts"
import type { Config } from "./config.ts"
import type { ConfigFile } from "./file.ts"
import { resolveConfig, type Sources } from "./resolve.ts"
import { routingOf } from "./routing.ts"

/** What a program says itself. */
export interface Said {
  namespace?: string | undefined
  results?: string | undefined
  spool?: string | boolean | undefined
  connectTimeout?: Duration | undefined
  tls?: TlsFiles | undefined
  routing?: boolean | undefined
}

/** Where a program stands. */
export interface Surroundings extends Pick<Sources, "env" | "directory" | "readUrl"> {
  /** The store and the spool of a person who named none. */
  readonly findFiles: (directory: string) => Promise<readonly ConfigFile[]>
  readonly broker: string
  readonly spool: string
}

/** Variables that say where stores are: not for a program that says so itself. */
const WHERE = /^STEM_(?:BROKER|RESULT_BACKEND)_/

/** Where a program's store is and how it is reached: as it says, else as the environment says. Of stem.toml it has the routing. */
export async function connectionOf(
  url: string | undefined,
  { namespace, results, spool, connectTimeout, tls, routing = true }: Said,
  { env, directory, readUrl, findFiles, ...usual }: Surroundings,
): Promise<
  Pick<Config, "broker" | "results" | "namespace" | "connections" | "spool" | "routing" | "events">
> {
  const heard = Object.entries(env).filter(
    ([name]) =>
      /^STEM_(?:NAMESPACE|SPOOL|CONNECT|TLS|EVENTS|RETENTION_EVENTS)/.test(name) ||
      (url === undefined && WHERE.test(name)),
  )
  const { config } = await resolveConfig({
    flags: {
      ...{
        broker: url,
        results,
        namespace,
        spool,
        "tls-ca": tls?.ca,
        "tls-cert": tls?.cert,
        "tls-key": tls?.key,
      },
      "connect-timeout": connectTimeout === undefined ? undefined : `${parseDuration(connectTimeout)}ms`,
    },
    ...{ env: Object.fromEntries(heard), files: [], directory, readUrl },
    machine: { cores: 1, host: "program", pid: 0, terminal: false, ...usual },
  })
  return { ...config, routing: await routingOf(routing ? await findFiles(directory) : []) }
}
