import type { UrlSource } from "../contracts/credentials.ts"
import type { TlsFiles } from "../contracts/driver.ts"
import type { Millis } from "../kit/clock.ts"
import { invalid } from "../kit/errors.ts"
import type { ConnectionConfig } from "./config.ts"
import { SETTINGS, type Setting, type SettingKey, under } from "./settings.ts"

/** What is known of connections before it is put together. */
export interface ConnectionParts {
  readonly broker: string
  /** Where the URLs that somebody set come from. */
  readonly urls: ReadonlyMap<SettingKey, UrlSource>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly timeoutMs: Millis
  readonly tls: TlsFiles
}

/** Puts together how stores are reached. Throws `invalid_config` for a certificate without its key. */
export function connectionsOf(
  { broker, urls, env, directory, timeoutMs, tls }: ConnectionParts,
  originOf: (key: SettingKey) => string | undefined,
): ConnectionConfig {
  const sourceOf = (key: "broker" | "results" | "schedule-store"): UrlSource | undefined => {
    const source = urls.get(key)
    const variable = (SETTINGS[key] as Setting).passwordFile as string
    const path = env[variable]
    return source && path
      ? { ...source, passwordFile: { path: under(directory, path), origin: variable } }
      : source
  }
  const first = sourceOf("broker") ?? { kind: "given", text: broker, origin: "default" }
  return {
    timeoutMs,
    ...(paired(tls, originOf) && { tls }),
    broker: first,
    results: sourceOf("results") ?? first,
    schedules: sourceOf("schedule-store") ?? first,
  }
}

/** Whether there are any; one half of a pair is refused. */
function paired({ ca, cert, key }: TlsFiles, originOf: (key: SettingKey) => string | undefined): boolean {
  if ((cert === undefined) === (key === undefined)) return ca !== undefined || cert !== undefined
  const [there, missing] = cert === undefined ? (["key", "cert"] as const) : (["cert", "key"] as const)
  const { flag, env } = SETTINGS[`tls.${missing}`]
  throw invalid(
    "invalid_config",
    `${originOf(`tls.${there}`)} names a ${there === "cert" ? "certificate without its key" : "key without its certificate"}`,
    `Give the other half too: --${flag}, ${env}, or ${missing} under [tls] in stem.toml.`,
  )
}
