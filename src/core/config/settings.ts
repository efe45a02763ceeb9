/**
 * Every setting of Stem: its key in stem.toml, its flag, its environment variable, and how it is read.
 * Flags, `stem config`, docs/cli.md and the completions all follow this table.
 */
import type { Millis } from "../kit/clock.ts"
import { formatDuration } from "../kit/duration.ts"
import type { QueueChoice } from "./config.ts"
import { maskUrl } from "./mask.ts"
import {
  bounds,
  choice,
  duration,
  flag,
  pathOrSwitch,
  paths,
  patterns,
  queues,
  type Reader,
  size,
  text,
  whole,
} from "./values.ts"

/** What is known of one setting. */
export interface Setting<T = unknown> {
  readonly about: string
  readonly read: Reader<T>
  /** As it is shown to people, without secrets. */
  readonly show: (value: T) => unknown
  /** Without the dashes. */
  readonly flag?: string
  readonly env?: string
  /** Whether stem.toml may say it. */
  readonly file: boolean
  /**
   * May hold a secret: the variable also has a form `…_FILE`, which names a file to read it from, and a form
   * `…_COMMAND`, whose output it is. stem.toml has neither: a folder somebody happens to stand in must not run
   * commands, or have a secret sent to a store of its choice.
   */
  readonly secret?: boolean
  /** The variable that names a file with the password alone. */
  readonly passwordFile?: string
  /** Relative paths are meant from the place that names them: the current directory, or stem.toml's own. */
  readonly place?: (value: T, directory: string) => T
}

const asIs = (value: unknown) => value
const length = (value: Millis) => formatDuration(value)
const bytes = (value: number) =>
  value > 0 && value % 1024 ** 2 === 0 ? `${value / 1024 ** 2}MB` : value === 0 ? 0 : `${value}B`

const STORE = text("a store's URL, such as sqlite:./stem.db", /^[a-z][a-z0-9+.-]*:[^\r\n]*$/i)
const NAME = text(
  "a name: 1 to 100 letters, digits and . _ - beginning with a letter or digit",
  /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u,
)

const setting = <T>(given: Partial<Setting<T>> & Pick<Setting<T>, "about" | "read">): Setting<T> => ({
  show: asIs,
  file: true,
  ...given,
})

const store = (about: string, flag: string, env: string, passwordFile: string) =>
  setting({
    ...{ about, read: STORE, show: maskUrl, flag, env, secret: true, passwordFile },
    place: (url: string, directory: string) =>
      /^sqlite:(?![/:~]|[a-z]:[\\/])/i.test(url) ? `sqlite:${under(directory, url.slice(7))}` : url,
  })

const pem = (about: string, name: string) =>
  setting({
    about,
    read: text("a file", /./),
    flag: `tls-${name}`,
    env: `STEM_TLS_${name.toUpperCase()}`,
    place: (path: string, directory: string) => under(directory, path),
  })

const kept = (about: string, env: string) => setting({ about, read: duration(0), show: length, env })

/** A path as seen from a directory. */
export const under = (directory: string, path: string): string =>
  /^([/\\]|[a-z]:[\\/])/i.test(path)
    ? path
    : `${directory.replace(/\/$/, "")}/${path.replace(/^(\.\/)+/, "")}`

/** All settings, by their key in stem.toml, in the order in which they are shown. */
export const SETTINGS = {
  broker: store("where tasks live", "broker", "STEM_BROKER_URL", "STEM_BROKER_PASSWORD_FILE"),
  results: store(
    "where ended tasks are remembered",
    "results",
    "STEM_RESULT_BACKEND_URL",
    "STEM_RESULT_BACKEND_PASSWORD_FILE",
  ),
  "schedule-store": store(
    "where schedules live",
    "schedules",
    "STEM_SCHEDULE_STORE_URL",
    "STEM_SCHEDULE_STORE_PASSWORD_FILE",
  ),
  namespace: setting({
    about: "keeps installations on one store apart",
    read: NAME,
    flag: "namespace",
    env: "STEM_NAMESPACE",
  }),
  "connect-timeout": setting({
    about: "how long a connection attempt may take",
    read: duration(50),
    show: length,
    flag: "connect-timeout",
    env: "STEM_CONNECT_TIMEOUT",
  }),
  "tls.ca": pem("a file of certificates (PEM) to trust in place of the system's", "ca"),
  "tls.cert": pem("a file with our own certificate (PEM), for servers that ask for one", "cert"),
  "tls.key": pem("a file with the key (PEM) of our own certificate", "key"),
  spool: setting({
    about: "keeps what is enqueued while the store is away: a file, or true for the usual one",
    read: pathOrSwitch,
    flag: "spool",
    env: "STEM_SPOOL",
    place: (value: string | boolean, directory: string) =>
      typeof value === "string" ? under(directory, value) : value,
  }),
  "log.level": setting({
    about: "the least important line that is shown on stderr",
    read: choice(["debug", "info", "warn", "error", "silent"]),
    flag: "log-level",
    env: "STEM_LOG_LEVEL",
  }),
  "log.format": setting({
    about: "how lines on stderr are written",
    read: choice(["pretty", "json"]),
    flag: "log-format",
    env: "STEM_LOG_FORMAT",
  }),
  "worker.modules": setting({
    about: "task modules of `stem worker` without operands",
    read: paths,
    place: (files: readonly string[], directory) => files.map((file) => under(directory, file)),
  }),
  "worker.queues": setting({
    about: "queues in order of precedence (a,b) or with weights (a=3,b=1)",
    read: queues,
    show: (list: readonly QueueChoice[]) =>
      list.map(({ name, weight }) => (weight === undefined ? name : `${name}=${weight}`)),
    flag: "queues",
    env: "STEM_QUEUES",
  }),
  "worker.concurrency": setting({
    about: "tasks at once",
    read: whole(1, 10_000),
    flag: "concurrency",
    env: "STEM_CONCURRENCY",
  }),
  "worker.autoscale": setting({
    about: "the least and the most tasks at once, to follow the load between them",
    read: bounds(1, 10_000),
    show: ({ min, max }) => `${min}-${max}`,
    flag: "autoscale",
    env: "STEM_AUTOSCALE",
  }),
  "worker.autoscale-up": setting({
    about: "how many more tasks at once in one step of autoscaling",
    read: whole(1, 10_000),
    flag: "autoscale-up",
    env: "STEM_AUTOSCALE_UP",
  }),
  "worker.autoscale-down": setting({
    about: "how many fewer tasks at once in one step of autoscaling",
    read: whole(1, 10_000),
    flag: "autoscale-down",
    env: "STEM_AUTOSCALE_DOWN",
  }),
  "worker.autoscale-cooldown": setting({
    about: "how long autoscaling waits after a step, and before it goes down",
    read: duration(1),
    show: length,
    flag: "autoscale-cooldown",
    env: "STEM_AUTOSCALE_COOLDOWN",
  }),
  "worker.autoscale-wait": setting({
    about: "how long a task may wait before autoscaling goes up",
    read: duration(0),
    show: length,
    flag: "autoscale-wait",
    env: "STEM_AUTOSCALE_WAIT",
  }),
  "worker.isolates": setting({
    about: "child processes that run tasks",
    read: whole(1, 1000),
    flag: "isolates",
    env: "STEM_ISOLATES",
  }),
  "worker.isolation": setting({
    about: "where tasks run: in child processes, or in the worker itself",
    read: choice(["process", "none"]),
    flag: "isolation",
    env: "STEM_ISOLATION",
  }),
  "worker.lease": setting({
    about: "how long a task is a worker's own without a sign of life",
    read: duration(500),
    show: length,
    flag: "lease",
    env: "STEM_LEASE",
  }),
  "worker.grace": setting({
    about: "how long a stopping worker lets tasks finish",
    read: duration(0),
    show: length,
    flag: "grace",
    env: "STEM_GRACE",
  }),
  "worker.name": setting({
    about: "the worker's name in `stem inspect workers`",
    read: NAME,
    flag: "name",
    env: "STEM_WORKER_NAME",
  }),
  "worker.max-tasks": setting({
    about: "an isolate is replaced after so many tasks; 0: never",
    read: whole(0, 1_000_000_000),
    flag: "max-tasks",
    env: "STEM_MAX_TASKS",
  }),
  "worker.max-rss": setting({
    about: "an isolate is replaced once it holds so much memory; 0: never",
    read: size,
    show: bytes,
    flag: "max-rss",
    env: "STEM_MAX_RSS",
  }),
  "worker.beat": setting({
    about: "fire schedules too",
    read: flag,
    flag: "beat",
    env: "STEM_BEAT",
  }),
  "worker.drain": setting({
    about: "leave when the queues are empty and nothing runs",
    read: flag,
    flag: "drain",
    file: false,
  }),
  "worker.shell": setting({
    about: "run commands that were sent with `stem run`",
    read: flag,
    flag: "shell",
    env: "STEM_SHELL",
  }),
  "worker.shell-allow": setting({
    about: "the commands that may be run: absolute paths or globs",
    read: patterns,
    flag: "shell-allow",
    env: "STEM_SHELL_ALLOW",
  }),
  "retention.successes": kept("how long a succeeded task is remembered", "STEM_RETENTION_SUCCESSES"),
  "retention.failures": kept(
    "how long a failed, cancelled or expired task is remembered",
    "STEM_RETENTION_FAILURES",
  ),
  "retention.dead-letters": kept("how long a dead letter is kept", "STEM_RETENTION_DEAD_LETTERS"),
  events: setting({
    about: "tell in the store what happens to tasks, for `stem events`",
    read: flag,
    flag: "events",
    env: "STEM_EVENTS",
  }),
  "retention.events": setting({
    about: "how many events are kept",
    read: whole(0, 100_000_000),
    env: "STEM_RETENTION_EVENTS",
  }),
  "retention.events-age": kept("how long an event is kept", "STEM_RETENTION_EVENTS_AGE"),
} as const

/** `broker`, `worker.lease` and so on. */
export type SettingKey = keyof typeof SETTINGS
/** The type of a setting, once it is read. */
export type SettingValue<K extends SettingKey> = (typeof SETTINGS)[K] extends Setting<infer T> ? T : never

/** The names of all settings, in the order in which they are shown. */
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[]
