import { expect, test } from "bun:test"
import { resolveConfig, type Sources } from "../../../src/core/config/resolve.ts"
import { StemError } from "../../../src/core/kit/errors.ts"
import { NO_ROUTING } from "../../../src/core/policy/routing.ts"

const MACHINE = {
  cores: 2,
  host: "box",
  pid: 7,
  terminal: false,
  broker: "sqlite:/state/stem.db",
  spool: "/state/spool.db",
}
const resolve = (given: Partial<Sources>) =>
  resolveConfig({ flags: {}, env: {}, files: [], directory: "/here", machine: MACHINE, ...given })
const file = (text: string, name = "stem.toml", directory = "/project") => ({ name, directory, text })

async function refused(given: Partial<Sources>): Promise<StemError> {
  try {
    await resolve(given)
  } catch (error) {
    if (error instanceof StemError) return error
    throw error
  }
  throw new Error("it was accepted")
}

test("A flag wins over the environment and the environment over stem.toml", async () => {
  const flags = { concurrency: "1" }
  const env = { STEM_CONCURRENCY: "2" }
  const files = [
    file("worker.concurrency = 3"),
    file("worker.concurrency = 4", "/home/me/stem.toml", "/home/me"),
  ]
  const table: [Partial<Sources>, number, string, string | undefined][] = [
    [{ flags, env, files }, 1, "flag", "--concurrency"],
    [{ env, files }, 2, "environment", "STEM_CONCURRENCY"],
    [{ files }, 3, "file", "stem.toml"],
    [{ files: files.slice(1) }, 4, "file", "/home/me/stem.toml"],
    [{}, 4, "default", undefined],
  ]
  for (const [given, concurrency, source, origin] of table) {
    const { config, values } = await resolve(given)
    expect(config.worker.concurrency).toBe(concurrency)
    expect(values.find(({ key }) => key === "worker.concurrency")).toMatchObject({
      source: source as "flag",
      ...(origin && { origin }),
    })
  }
})

test("the defaults follow from the machine", async () => {
  const { config } = await resolve({})
  expect(config).toEqual({
    broker: "sqlite:/state/stem.db",
    results: "sqlite:/state/stem.db",
    schedules: "sqlite:/state/stem.db",
    namespace: "stem",
    connections: {
      timeoutMs: 5000,
      broker: { kind: "given", text: "sqlite:/state/stem.db", origin: "default" },
      results: { kind: "given", text: "sqlite:/state/stem.db", origin: "default" },
      schedules: { kind: "given", text: "sqlite:/state/stem.db", origin: "default" },
    },
    spool: { on: false, path: "/state/spool.db" },
    log: { level: "info", format: "json" },
    worker: {
      ...{ modules: [], queues: [], concurrency: 4, isolates: 2, isolation: "process", leaseMs: 30_000 },
      ...{ graceMs: 30_000, name: "box-7", maxTasks: 0, maxRssBytes: 0, beat: false, drain: false },
      ...{ shell: false, shellAllow: [], isolatesMost: 2 },
    },
    retention: { successesMs: 86_400_000, failuresMs: 2_592_000_000, deadLettersMs: 2_592_000_000 },
    events: { on: true, keep: 100_000, ageMs: 604_800_000 },
    ...{ routing: NO_ROUTING, queueLimits: [] },
  })
  const onTerminal = await resolve({ machine: { ...MACHINE, terminal: true } })
  expect(onTerminal.config.log.format).toBe("pretty")
  expect((await resolve({ flags: { concurrency: "1" } })).config.worker.isolates).toBe(1)
})

test("every setting can be said in the environment", async () => {
  const { config, values } = await resolve({
    env: {
      STEM_BROKER_URL: "sqlite:/a.db",
      STEM_RESULT_BACKEND_URL: "sqlite:/b.db",
      STEM_SCHEDULE_STORE_URL: "sqlite:/c.db",
      STEM_NAMESPACE: "other",
      STEM_CONNECT_TIMEOUT: "2s",
      STEM_TLS_CA: "ca.crt",
      STEM_TLS_CERT: "/etc/us.crt",
      STEM_TLS_KEY: "us.key",
      STEM_SPOOL: "spool.db",
      STEM_LOG_LEVEL: "warn",
      STEM_LOG_FORMAT: "pretty",
      STEM_QUEUES: "a=3,b=1",
      STEM_CONCURRENCY: "9",
      STEM_ISOLATES: "3",
      STEM_ISOLATION: "none",
      STEM_LEASE: "10s",
      STEM_GRACE: "1m30s",
      STEM_WORKER_NAME: "w",
      STEM_MAX_TASKS: "100",
      STEM_MAX_RSS: "512MB",
      STEM_BEAT: "1",
      STEM_SHELL: "1",
      STEM_SHELL_ALLOW: "/opt/a:/opt/b/*.{sh,py}",
      STEM_RETENTION_SUCCESSES: "1h",
      STEM_RETENTION_FAILURES: "2h",
      STEM_RETENTION_DEAD_LETTERS: "3h",
      STEM_EVENTS: "false",
      STEM_RETENTION_EVENTS: "500",
      STEM_RETENTION_EVENTS_AGE: "4h",
    },
  })
  expect(config).toEqual({
    ...{ broker: "sqlite:/a.db", results: "sqlite:/b.db", schedules: "sqlite:/c.db", namespace: "other" },
    connections: {
      timeoutMs: 2000,
      tls: { ca: "/here/ca.crt", cert: "/etc/us.crt", key: "/here/us.key" },
      broker: { kind: "given", text: "sqlite:/a.db", origin: "STEM_BROKER_URL" },
      results: { kind: "given", text: "sqlite:/b.db", origin: "STEM_RESULT_BACKEND_URL" },
      schedules: { kind: "given", text: "sqlite:/c.db", origin: "STEM_SCHEDULE_STORE_URL" },
    },
    spool: { on: true, path: "/here/spool.db" },
    log: { level: "warn", format: "pretty" },
    worker: {
      modules: [],
      queues: [
        { name: "a", weight: 3 },
        { name: "b", weight: 1 },
      ],
      ...{ concurrency: 9, isolates: 3, isolation: "none", leaseMs: 10_000, graceMs: 90_000, name: "w" },
      ...{ maxTasks: 100, maxRssBytes: 536_870_912, beat: true, drain: false },
      ...{ shell: true, shellAllow: ["/opt/a", "/opt/b/*.{sh,py}"], isolatesMost: 3 },
    },
    retention: { successesMs: 3_600_000, failuresMs: 7_200_000, deadLettersMs: 10_800_000 },
    events: { on: false, keep: 500, ageMs: 14_400_000 },
    ...{ routing: NO_ROUTING, queueLimits: [] },
  })
  expect(values.filter(({ source }) => source === "environment")).toHaveLength(29)
})

test("stem.toml says lists, numbers and queues in TOML's own kinds", async () => {
  const { config } = await resolve({
    files: [
      file(`
broker = "sqlite:./jobs.db"
[worker]
modules = ["./tasks.ts", "/abs/more.ts"]
queues = ["urgent", "bulk"]
concurrency = 8
max-rss = "1GB"
[retention]
dead-letters = "7d"
`),
    ],
  })
  expect(config.broker).toBe("sqlite:/project/jobs.db")
  expect(config.results).toBe("sqlite:/project/jobs.db")
  expect(config.worker.modules).toEqual(["/project/tasks.ts", "/abs/more.ts"])
  expect(config.worker.queues).toEqual([{ name: "urgent" }, { name: "bulk" }])
  expect(config.worker.maxRssBytes).toBe(1_073_741_824)
  expect(config.retention.deadLettersMs).toBe(604_800_000)
  const weighted = await resolve({ files: [file("worker.queues = { a = 3, b = 1 }")] })
  expect(weighted.config.worker.queues).toEqual([
    { name: "a", weight: 3 },
    { name: "b", weight: 1 },
  ])
})

test("paths in flags and variables are meant from the current directory", async () => {
  const { config } = await resolve({ flags: { broker: "sqlite:x.db" }, modules: ["tasks.ts"] })
  expect(config.broker).toBe("sqlite:/here/x.db")
  expect(config.worker.modules).toEqual(["/here/tasks.ts"])
  for (const url of ["sqlite:/abs.db", "sqlite:~/mine.db", "memory:", "redis://host/0"])
    expect((await resolve({ env: { STEM_BROKER_URL: url } })).config.broker).toBe(url)
})

test("an empty variable counts as unset", async () => {
  expect((await resolve({ env: { STEM_NAMESPACE: "" } })).config.namespace).toBe("stem")
})

test("a URL can come from a file or a command, but not from two places at once", async () => {
  const asked: unknown[] = []
  const readUrl: Sources["readUrl"] = async (source, within) => {
    asked.push([source, within])
    return "redis://u:secret@host/0"
  }
  const env = { STEM_BROKER_URL_FILE: "url", STEM_CONNECT_TIMEOUT: "3s" }
  const { config, values } = await resolve({ readUrl, env })
  const source = { kind: "file" as const, text: "/here/url", origin: "STEM_BROKER_URL_FILE" }
  expect(asked).toEqual([[source, 3000]])
  expect(config.broker).toBe("redis://u:secret@host/0")
  expect(config.connections).toMatchObject({ broker: source, results: source })
  expect(values[0]).toMatchObject({ shown: "redis://u:***@host/0", origin: "STEM_BROKER_URL_FILE" })
  const command = await resolve({ readUrl, env: { STEM_RESULT_BACKEND_URL_COMMAND: "pass show x" } })
  expect(command.config.connections.results).toMatchObject({ kind: "command", text: "pass show x" })
  for (const [one, other] of [
    ["STEM_BROKER_URL", "STEM_BROKER_URL_FILE"],
    ["STEM_BROKER_URL_FILE", "STEM_BROKER_URL_COMMAND"],
  ] as const)
    expect((await refused({ readUrl, env: { [one]: "x", [other]: "y" } })).message).toBe(
      `${one} and ${other} are both set`,
    )
})

test("what a flag overrules is neither read nor run", async () => {
  const readUrl = () => Promise.reject(new Error("it was read"))
  const env = { STEM_BROKER_URL_COMMAND: "pass show x" }
  const { config } = await resolve({ readUrl, env, flags: { broker: "redis://host" } })
  expect(config.connections.broker).toEqual({ kind: "given", text: "redis://host", origin: "--broker" })
})

test("a password file is known of each store", async () => {
  const env = { STEM_BROKER_PASSWORD_FILE: "secret", STEM_RESULT_BACKEND_PASSWORD_FILE: "/other" }
  const { config } = await resolve({ env, flags: { broker: "redis://host", results: "postgres://host" } })
  expect(config.connections.broker.passwordFile).toEqual({
    ...{ path: "/here/secret", origin: "STEM_BROKER_PASSWORD_FILE" },
  })
  expect(config.connections.results.passwordFile?.path).toBe("/other")
  const alone = await resolve({ env, flags: { broker: "redis://host" } })
  expect(alone.config.connections.results).toEqual(alone.config.connections.broker)
})

test("paths of certificates and of the spool in stem.toml are meant from its folder", async () => {
  const { config } = await resolve({ files: [file('spool = "kept.db"\n[tls]\nca = "ca.crt"')] })
  expect(config.connections.tls).toMatchObject({ ca: "/project/ca.crt" })
  expect(config.spool).toEqual({ on: true, path: "/project/kept.db" })
})

test("a spool can be switched on and off without naming a file", async () => {
  const on = await resolve({ flags: { spool: true } })
  expect(on.config.spool).toEqual({ on: true, path: "/state/spool.db" })
  expect(on.values.find(({ key }) => key === "spool")?.shown).toBe("/state/spool.db")
  expect((await resolve({ env: { STEM_SPOOL: "1" } })).config.spool.on).toBe(true)
  expect((await resolve({ env: { STEM_SPOOL: "0" }, files: [file("spool = true")] })).config.spool.on).toBe(
    false,
  )
})
