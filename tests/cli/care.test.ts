import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { maskUrl } from "../../src/core/config/mask.ts"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem

describe.each([...STORES])("on %s", (store) => {
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("stem init writes a module that runs", async () => {
    const { code, out } = await stem.run(["init", "fresh", "-o", "name"])
    expect({ code, out }).toEqual({ code: 0, out: "fresh/tasks.ts\nfresh/tsconfig.json\nfresh/stem.d.ts\n" })
    await stem.run(["enqueue", "hello", "name=Stem", "--id", "first"])
    await stem.run(["enqueue", "hello", "--id", "bare"])
    expect((await stem.drain("fresh/tasks.ts")).code).toBe(0)
    expect((await stem.json(["result", "bare"])).result).toBe("Hello, World!")
    expect((await stem.json(["result", "first"])).result).toBe("Hello, Stem!")
    await stem.write("fresh/tasks.ts", "mine")
    const again = await stem.run(["init", "fresh"])
    expect(again).toMatchObject({ code: 1, out: "" })
    expect(again.err).toContain("fresh/tasks.ts is there already; nothing was written")
    expect(readFileSync(`${stem.folder}/fresh/tasks.ts`, "utf8")).toBe("mine")
    expect((await stem.run(["init", "fresh", "--force"])).code).toBe(0)
    expect(readFileSync(`${stem.folder}/fresh/tasks.ts`, "utf8")).toContain("defineTask")
  })

  test("health answers quickly, also about a worker", async () => {
    expect(await stem.run(["health"])).toEqual({ code: 0, out: "ok\n", err: "" })
    expect(await stem.json(["health"])).toEqual({
      ...{ ok: true, store: maskUrl(stem.url), pingMs: expect.any(Number) },
    })
    const gone = await stem.run(["health", "--worker", "nobody"])
    expect(gone).toMatchObject({ code: 1, out: "not ok\n" })
    expect(gone.err).toContain("no worker named nobody")
  })

  test("doctor finds work that nobody does, and exits with 1", async () => {
    expect((await stem.run(["doctor"])).code).toBe(0)
    await stem.run(["enqueue", "add", "--queue", "lonely"])
    const { code, out } = await stem.run(["doctor", "-o", "json"])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toContainEqual({
      ...{ level: "problem", subject: "queue lonely" },
      message: "1 tasks wait, and no running worker serves the queue.",
      fix: "stem worker ./tasks.ts --queues lonely",
    })
    await stem.run(["queue", "pause", "lonely"])
    const paused = await stem.run(["doctor"])
    expect(paused.code).toBe(0)
    expect(paused.out).toContain("the queue is paused. Fix: stem queue resume lonely")
    await stem.run(["enqueue", "boom"])
    await stem.drain()
    expect((await stem.run(["doctor"])).out).toContain("1 in the last hour, 1 in all.")
  })

  test("bench measures a store in a namespace of its own and leaves nothing behind", async () => {
    const url = store === "sqlite" ? `sqlite:${stem.folder}/bench.db` : stem.url
    const measured = await stem.json([
      "bench",
      "--tasks",
      "500",
      "--concurrency",
      "8",
      "--isolates",
      "1",
      "--broker",
      url,
    ])
    expect(measured).toEqual({
      ...{ store: maskUrl(url), tasks: 500, concurrency: 8 },
      ...{ enqueuePerSecond: expect.any(Number), drainPerSecond: expect.any(Number) },
      pickupMs: { p50: expect.any(Number), p99: expect.any(Number) },
      rssMb: expect.any(Number),
    })
    expect(measured.drainPerSecond).toBeGreaterThan(0)
    if (store === "sqlite") await expectEmpty(`${stem.folder}/bench.db`)
  }, 30_000)
})

describe("where no server is asked", () => {
  beforeAll(async () => {
    stem = await makeStem()
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("what stem init writes passes the type checker", async () => {
    await stem.run(["init", "typed"])
    await Bun.write(
      `${stem.folder}/typed/bun.d.ts`,
      "declare const Bun: { sleep(ms: number): Promise<void> }\n",
    )
    const tsc = Bun.spawnSync([
      `${import.meta.dir}/../../node_modules/.bin/tsc`,
      "-p",
      `${stem.folder}/typed`,
    ])
    expect(tsc.stdout.toString()).toBe("")
    expect(tsc.exitCode).toBe(0)
  }, 30_000)

  test("registered shows what a module defines", async () => {
    const rows = await stem.json(["inspect", "registered", "tasks.ts"])
    expect(rows.find(({ task }: { task: string }) => task === "strict")).toEqual({
      ...{ task: "strict", description: null, queue: "special", priority: 7, retries: 3 },
      ...{ timeoutMs: null, softTimeoutMs: null, expiresMs: null, source: "tasks.ts#strict" },
    })
  })

  test("migrate shows with --dry-run what it would do, and does it", async () => {
    const broker = ["--broker", `sqlite:${stem.folder}/new.db`]
    const dry = await stem.json(["migrate", "--dry-run", ...broker])
    expect(dry).toMatchObject({ from: 0, dryRun: true })
    expect(dry.statements.length).toBeGreaterThan(0)
    expect((await stem.run(["migrate", "--dry-run", ...broker])).out).toContain("CREATE TABLE")
    expect(await stem.json(["migrate", ...broker])).toMatchObject({ from: 0, to: dry.to, dryRun: false })
    const done = await stem.run(["migrate", ...broker])
    expect(done.err).toContain("is up to date, at version")
  })

  test("Completions are written for bash, zsh and fish", async () => {
    const { ROOT } = await import("../../src/commands/index.ts")
    const names = Object.entries(ROOT.children ?? {}).flatMap(([name, { hidden }]) => (hidden ? [] : [name]))
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, out, err } = await stem.run(["completions", shell])
      expect({ code, err }).toEqual({ code: 0, err: "" })
      for (const name of [...names, "replay", "fail-on-duplicate"]) expect(out).toContain(name)
      expect(out).not.toContain("__isolate")
    }
    expect((await stem.run(["completions", "tcsh"])).code).toBe(2)
  })

  test("bash completes commands, flags and choices", async () => {
    const { out: script } = await stem.run(["completions", "bash"])
    const complete = (...words: string[]) => {
      const line = `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _stem; printf '%s\\n' "\${COMPREPLY[@]}"`
      return Bun.spawnSync(["bash", "-c", line]).stdout.toString().trimEnd().split("\n")
    }
    expect(complete("stem", "en")).toEqual(["enqueue"])
    expect(complete("stem", "dlq", "re")).toEqual(["replay"])
    expect(complete("stem", "enqueue", "x", "--fail")).toEqual(["--fail-on-duplicate"])
    expect(complete("stem", "inspect", "-o", "nd")).toEqual(["ndjson"])
  })
})

/** No task, status or dead letter lies in the file. */
async function expectEmpty(path: string) {
  const { Database } = await import("bun:sqlite")
  const db = new Database(path, { readonly: true })
  const tables = db.query("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]
  for (const { name } of tables.filter((table) => ["tasks", "statuses", "dead_letters"].includes(table.name)))
    expect({ name, rows: db.query(`SELECT count(*) AS n FROM ${name}`).get() }).toEqual({
      name,
      rows: { n: 0 },
    })
  db.close()
}
