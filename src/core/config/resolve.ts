import * as v from "valibot"
import type { UrlSource } from "../contracts/credentials.ts"
import type { Millis } from "../kit/clock.ts"
import { invalid } from "../kit/errors.ts"
import type { QueueRule } from "../policy/limit-keys.ts"
import type { Routing } from "../policy/routing.ts"
import { autoscaleOf } from "./autoscale.ts"
import { type Config, DEFAULT_EVENTS, DEFAULT_RETENTION } from "./config.ts"
import { connectionsOf } from "./connections.ts"
import { type ConfigFile, readConfigFile } from "./file.ts"
import { queueLimitsOf, refuseAliases } from "./queue-limits.ts"
import { routingOf } from "./routing.ts"
import {
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
  type SettingValue,
  under,
} from "./settings.ts"

/** What the world says about the settings. Nothing in here reads it: it is handed in. */
export interface Sources {
  /** By flag name, without dashes. */
  readonly flags: Readonly<Record<string, unknown>>
  /** Operands of `stem worker`. */
  readonly modules?: readonly string[] | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads a URL that stands in a file or is printed by a command, in at most so much time. */
  readonly readUrl?: ((source: UrlSource, within: Millis) => Promise<string>) | undefined
  /** Nearest first. */
  readonly files: readonly ConfigFile[]
  readonly directory: string
  readonly machine: Machine
}

/** What defaults depend on. */
export interface Machine {
  readonly cores: number
  readonly host: string
  readonly pid: number
  /** Whether stderr is a terminal. */
  readonly terminal: boolean
  /** The broker when nobody names one. */
  readonly broker: string
  /** The spool when nobody names one. */
  readonly spool: string
}

/** The kind of place a value came from. */
export type SourceKind = "flag" | "environment" | "file" | "default"

/** One value and where it came from. */
export interface Resolved {
  readonly key: SettingKey
  readonly value: unknown
  /** As it may be shown: in the words in which it is set, secrets masked. */
  readonly shown: unknown
  readonly source: SourceKind
  /** The flag, the variable or the file. */
  readonly origin?: string | undefined
}

/** Every value, checked, and where each came from. */
export interface Resolution {
  readonly config: Config
  readonly values: readonly Resolved[]
  /** The files that were read, nearest first. */
  readonly files: readonly ConfigFile[]
}

interface Found {
  readonly raw: unknown
  readonly source: SourceKind
  readonly origin: string
  readonly directory: string
  /** Absent: the value is what was found. */
  readonly from?: Exclude<UrlSource["kind"], "given">
}

/** Time first: the others may have to be read, and that may take as long as a connection. */
const ORDER: readonly SettingKey[] = [
  "connect-timeout",
  ...SETTING_KEYS.filter((key) => key !== "connect-timeout"),
]
const CONNECT_TIMEOUT: Millis = 5000

/**
 * Flags, then the environment, then the nearest stem.toml, then the user's, then defaults. Throws
 * `invalid_config` naming where the wrong value stands. An empty variable counts as unset.
 */
export async function resolveConfig(sources: Sources): Promise<Resolution> {
  const files: { file: ConfigFile; said: ReadonlyMap<SettingKey, unknown> }[] = []
  for (const file of sources.files) files.push({ file, said: await readConfigFile(file) })
  const values = new Map<SettingKey, Resolved>()
  const urls = new Map<SettingKey, UrlSource>()
  for (const key of ORDER) {
    // What a file says wrong is told even where something nearer overrules it: it will bite on another day.
    for (const { file, said } of files) if (said.has(key)) accept(key, fromFile(file, said.get(key)))
    const found = fromFlag(sources, key) ?? fromEnvironment(sources, key)
    const nearest = files.find(({ said }) => said.has(key))
    const best = found ?? (nearest && fromFile(nearest.file, nearest.said.get(key)))
    if (!best) continue
    const { secret } = SETTINGS[key] as Setting
    const timeout = (values.get("connect-timeout")?.value as Millis | undefined) ?? CONNECT_TIMEOUT
    const resolved = accept(key, secret ? await read(best, sources, timeout) : best)
    values.set(key, resolved)
    if (secret) urls.set(key, urlSource(best, resolved))
  }
  const [routing, queueLimits] = [await routingOf(sources.files), await queueLimitsOf(sources.files)]
  refuseAliases(queueLimits, routing)
  return withDefaults(values, urls, sources, routing, queueLimits)
}

/** The text itself, where a file or a command has it. */
async function read(found: Found, { readUrl }: Sources, timeout: Millis): Promise<Found> {
  if (!found.from || !readUrl) return found
  const source = { kind: found.from, text: String(found.raw), origin: found.origin }
  return { ...found, raw: await readUrl(source, timeout) }
}

const urlSource = ({ from, raw, origin }: Found, { value }: Resolved): UrlSource =>
  from ? { kind: from, text: String(raw), origin } : { kind: "given", text: String(value), origin }

function fromFlag({ flags, modules, directory }: Sources, key: SettingKey): Found | undefined {
  if (key === "worker.modules")
    return modules?.length ? { raw: modules, source: "flag", origin: "operands", directory } : undefined
  const { flag } = SETTINGS[key] as Setting
  const raw = flag === undefined ? undefined : flags[flag]
  return raw === undefined ? undefined : { raw, source: "flag", origin: `--${flag}`, directory }
}

function fromEnvironment({ env, directory }: Sources, key: SettingKey): Found | undefined {
  const { env: name, secret } = SETTINGS[key] as Setting
  if (!name) return undefined
  const forms = secret ? [name, `${name}_FILE`, `${name}_COMMAND`] : [name]
  const [origin, other] = forms.filter((form) => env[form])
  if (origin === undefined) return undefined
  if (other !== undefined)
    throw invalid("invalid_config", `${origin} and ${other} are both set`, "Unset one of them.")
  const found: Found = { raw: env[origin], source: "environment", origin, directory }
  if (origin === name) return found
  return origin.endsWith("_FILE")
    ? { ...found, raw: under(directory, String(found.raw)), from: "file" }
    : { ...found, from: "command" }
}

const fromFile = (file: ConfigFile, raw: unknown): Found => ({
  raw,
  source: "file",
  origin: file.name,
  directory: file.directory,
})

function accept(key: SettingKey, { raw, source, origin, directory }: Found): Resolved {
  const { read, show, place, secret } = SETTINGS[key] as Setting
  const parsed = v.safeParse(read, raw)
  if (!parsed.success) {
    const where = source === "file" ? `${origin}: ${key}` : origin
    // What is wrong with a secret is said without repeating it.
    const reason = secret ? "this is not a store's URL, such as sqlite:./stem.db" : parsed.issues[0].message
    throw invalid("invalid_config", `${where}: ${reason}`, "See every value and its origin: stem config")
  }
  const value = place ? place(parsed.output, directory) : parsed.output
  return { key, value, shown: show(value), source, origin }
}

function withDefaults(
  values: Map<SettingKey, Resolved>,
  urls: ReadonlyMap<SettingKey, UrlSource>,
  sources: Sources,
  routing: Routing,
  queueLimits: readonly QueueRule[],
): Resolution {
  const { machine } = sources
  const get = <K extends SettingKey>(key: K, otherwise: SettingValue<K>): SettingValue<K> => {
    const known = values.get(key)
    if (known) return known.value as SettingValue<K>
    const { show } = SETTINGS[key] as unknown as Setting<SettingValue<K>>
    values.set(key, { key, value: otherwise, shown: show(otherwise), source: "default" })
    return otherwise
  }
  const optional = <K extends SettingKey>(key: K): SettingValue<K> | undefined => {
    const known = values.get(key)
    if (known) return known.value as SettingValue<K>
    values.set(key, { key, value: undefined, shown: null, source: "default" })
    return undefined
  }
  const broker = get("broker", machine.broker)
  const spool = get("spool", false)
  const spoolPath = typeof spool === "string" ? spool : machine.spool
  if (spool === true) values.set("spool", { ...(values.get("spool") as Resolved), shown: spoolPath })
  const scaling = autoscaleOf({
    bounds: optional("worker.autoscale"),
    begin: values.get("worker.concurrency")?.value as number | undefined,
    up: optional("worker.autoscale-up"),
    down: optional("worker.autoscale-down"),
    cooldownMs: optional("worker.autoscale-cooldown"),
    waitMs: optional("worker.autoscale-wait"),
  })
  const concurrency = get("worker.concurrency", scaling?.begin ?? 2 * machine.cores)
  const isolatesMost = (values.get("worker.isolates")?.value as number | undefined) ?? machine.cores
  const config: Config = {
    broker,
    results: get("results", broker),
    schedules: get("schedule-store", broker),
    namespace: get("namespace", "stem"),
    connections: connectionsOf(
      {
        ...{ broker, urls, env: sources.env, directory: sources.directory },
        timeoutMs: get("connect-timeout", CONNECT_TIMEOUT),
        tls: { ca: optional("tls.ca"), cert: optional("tls.cert"), key: optional("tls.key") },
      },
      (key) => values.get(key)?.origin,
    ),
    spool: { on: spool !== false, path: spoolPath },
    log: { level: get("log.level", "info"), format: get("log.format", machine.terminal ? "pretty" : "json") },
    worker: {
      modules: get("worker.modules", []),
      queues: get("worker.queues", []),
      concurrency,
      isolates: get("worker.isolates", Math.min(machine.cores, concurrency)),
      isolatesMost,
      ...(scaling && { autoscale: scaling.policy }),
      isolation: get("worker.isolation", "process"),
      leaseMs: get("worker.lease", 30_000),
      graceMs: get("worker.grace", 30_000),
      name: get("worker.name", `${machine.host}-${machine.pid}`),
      maxTasks: get("worker.max-tasks", 0),
      maxRssBytes: get("worker.max-rss", 0),
      beat: get("worker.beat", false),
      drain: get("worker.drain", false),
      shell: get("worker.shell", false),
      shellAllow: get("worker.shell-allow", []),
    },
    ...{ routing, queueLimits },
    retention: {
      successesMs: get("retention.successes", DEFAULT_RETENTION.successesMs),
      failuresMs: get("retention.failures", DEFAULT_RETENTION.failuresMs),
      deadLettersMs: get("retention.dead-letters", DEFAULT_RETENTION.deadLettersMs),
    },
    events: {
      on: get("events", DEFAULT_EVENTS.on),
      keep: get("retention.events", DEFAULT_EVENTS.keep),
      ageMs: get("retention.events-age", DEFAULT_EVENTS.ageMs),
    },
  }
  return { config, files: sources.files, values: SETTING_KEYS.map((key) => values.get(key) as Resolved) }
}
