import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { EnqueueOptions } from "../../src/core/task/options.ts"
import type { TaskStatus } from "../../src/core/task/status.ts"
import { clientOf, openStores, type Stores } from "../../src/stem.ts"
import { stemCommand } from "../support/executable.ts"
import { POSTGRES_URL } from "../support/postgres-store.ts"
import { REDIS_URL } from "../support/redis-store.ts"

/** Real workers on a real file, and a journal in which every run of a handler writes its beginning and its end. */
export interface Scene {
  readonly folder: string
  /** What a process needs to reach the same store. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stores: Stores
  readonly client: ReturnType<typeof clientOf>
  worker(...flags: string[]): Promise<Worker>
  /** Enqueues `count` tasks; answers their ids. */
  enqueue(task: string, count: number, input?: object, options?: EnqueueOptions): Promise<string[]>
  /** The statuses of the ids, once all have ended. */
  ended(ids: readonly string[], withinMs: number): Promise<TaskStatus[]>
  journal(): Entry[]
  close(): Promise<void>
}

export interface Worker {
  readonly pid: number
  readonly process: Bun.Subprocess
  /** Its child processes now. */
  isolates(): number[]
  log(): string
  kill(signal: NodeJS.Signals): void
}

/** One run of a handler. */
export interface Entry {
  readonly id: string
  readonly token: number
  readonly attempt: number
  readonly isolate: number
  readonly worker: number
  ended: boolean
}

const TASKS = `
import { appendFileSync } from "node:fs"
const note = (what, ctx) => appendFileSync(process.env.STEM_TEST_JOURNAL,
  [what, ctx.id, ctx.token, ctx.attempt, process.pid, process.ppid].join(" ") + "\\n")
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const entry = (run) => async (input, ctx) => {
  note("start", ctx)
  const result = await run(input ?? {}, ctx)
  note("end", ctx)
  return { token: ctx.token, result }
}
export const work = { retries: 50, backoff: { kind: "fixed", base: 10 }, run: entry(({ ms = 20 }) => pause(ms)) }
export const gathered = { retries: 50, backoff: { kind: "fixed", base: 10 }, run: entry((input) => input) }
export const never = { retries: 0, run: entry(() => { throw new Error("never") }) }
export const flaky = { retries: 5, backoff: { kind: "fixed", base: 10 }, run: entry(({ fails }, ctx) => {
  if (ctx.attempt <= fails) throw new Error("not yet")
}) }
export const children = { retries: 3, backoff: { kind: "fixed", base: 10 }, run: entry(async (_, ctx) => {
  await ctx.enqueue("work", { ms: 1 })
  await ctx.enqueue("work", { ms: 1 })
  if (ctx.attempt < 3) throw new Error("not yet")
}) }
export const busy = { run: entry(({ ms }) => { const end = Date.now() + ms; while (Date.now() < end); }) }
export const exit = { retries: 2, backoff: { kind: "fixed", base: 10 }, run: entry(() => process.exit(7)) }
export const oom = { retries: 2, backoff: { kind: "fixed", base: 10 }, run: entry(async () => { process.kill(process.pid, "SIGKILL"); await pause(1000) }) }
export const slow = { retries: 1, backoff: { kind: "fixed", base: 10 }, timeout: "400ms", run: entry(() => { for (;;); }) }
export const patient = { run: entry(({ ms }, ctx) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, ms)
  ctx.signal.addEventListener("abort", () => { clearTimeout(timer); reject(ctx.signal.reason) })
})) }
`

/** Every store that real processes are tried on. */
export const STORES = ["sqlite", "redis", "postgres"] as const
export type StoreName = (typeof STORES)[number]

/** A store the test sees at one address, and its workers at another. */
export interface Address {
  readonly url: string
  readonly workers: string
  /** Where ended tasks are remembered, if elsewhere. */
  readonly results?: string
}

/** @param schedules where schedules live, if not with the tasks */
export async function openScene(
  store: StoreName | Address = "sqlite",
  schedules: StoreName | Address = store,
): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "stem-chaos-"))
  const path = (name: string) => join(folder, name)
  writeFileSync(path("tasks.ts"), TASKS)
  writeFileSync(path("journal"), "")
  const url = typeof store === "string" ? urlOf(store, folder) : store.url
  const plans =
    schedules === store
      ? url
      : typeof schedules === "string"
        ? urlOf(schedules, folder, "plans")
        : schedules.url
  const results = typeof store === "string" ? undefined : store.results
  // A namespace of its own, so that runs never meet.
  const namespace = `chaos-${crypto.randomUUID().slice(0, 8)}`
  const stores = await openStores({ broker: url, schedules: plans, namespace, ...(results && { results }) })
  const client = clientOf(stores)
  const workers: Bun.Subprocess[] = []
  const env = {
    ...process.env,
    ...{
      STEM_BROKER_URL: typeof store === "string" ? url : store.workers,
      STEM_NAMESPACE: namespace,
      ...(results && { STEM_RESULT_BACKEND_URL: results }),
      STEM_TEST_JOURNAL: path("journal"),
      ...(schedules !== store && {
        STEM_SCHEDULE_STORE_URL: typeof schedules === "string" ? plans : schedules.workers,
      }),
    },
  }

  return {
    folder,
    env,
    stores,
    client,
    async worker(...flags) {
      const log = path(`worker-${workers.length}.log`)
      const process_ = Bun.spawn({
        cmd: [...stemCommand(), "worker", path("tasks.ts"), "--log-format", "json", ...flags],
        cwd: folder,
        env,
        stdio: ["ignore", "ignore", Bun.file(log)],
      })
      workers.push(process_)
      const text = () => readFileSync(log, "utf8")
      await fact(
        () => text().includes('"ready"') || process_.exitCode !== null,
        20_000,
        "a worker becomes ready",
      )
      if (process_.exitCode !== null) throw new Error(`the worker left at once:\n${text()}`)
      return {
        pid: process_.pid,
        process: process_,
        isolates: () => childrenOf(process_.pid),
        log: text,
        kill: (signal) => process_.kill(signal),
      }
    },
    async enqueue(task, count, input = {}, options = {}) {
      const sent = await client.enqueueMany(Array.from({ length: count }, () => ({ task, input, options })))
      return sent.map(({ id }) => id)
    },
    async ended(ids, withinMs) {
      let known: readonly (TaskStatus | undefined)[] = []
      await fact(
        async () => {
          known = await stores.results.get(ids)
          return known.every((status) => status !== undefined)
        },
        withinMs,
        () => `all of ${ids.length} tasks end (${known.filter(Boolean).length} have)`,
      )
      return known as TaskStatus[]
    },
    journal: () => readJournal(readFileSync(path("journal"), "utf8")),
    async close() {
      for (const one of workers) one.kill("SIGKILL")
      await Promise.all(workers.map((one) => one.exited))
      await stores.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function urlOf(store: StoreName, folder: string, file = "stem"): string {
  switch (store) {
    case "sqlite":
      return `sqlite:${join(folder, `${file}.db`)}`
    case "redis":
      return REDIS_URL
    case "postgres":
      return POSTGRES_URL
  }
}

function readJournal(text: string): Entry[] {
  const entries: Entry[] = []
  const open = new Map<string, Entry>()
  for (const line of text.split("\n").filter(Boolean)) {
    const [what, id, token, attempt, isolate, worker] = line.split(" ") as [string, string, ...string[]]
    const key = `${id} ${token} ${isolate}`
    if (what === "start") {
      const entry = {
        ...{ id, token: Number(token), attempt: Number(attempt) },
        ...{ isolate: Number(isolate), worker: Number(worker), ended: false },
      }
      entries.push(entry)
      open.set(key, entry)
    } else {
      const entry = open.get(key)
      if (entry) entry.ended = true
    }
  }
  return entries
}

/** Waits for a fact, looking again and again; throws with its name when it does not come true in time. */
export async function fact(
  isTrue: () => boolean | Promise<boolean>,
  withinMs: number,
  what: string | (() => string),
): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await isTrue())) {
    if (Date.now() > end)
      throw new Error(`not within ${withinMs} ms: ${typeof what === "string" ? what : what()}`)
    await Bun.sleep(20)
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}
