import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem
interface Row {
  key: string
  value: unknown
  source: string
  origin: string | null
}
const noBroker = { STEM_BROKER_URL: undefined }
const rowsOf = async (args: string[] = [], options = {}) =>
  Object.fromEntries(((await stem.json(["config", ...args], options)) as Row[]).map((row) => [row.key, row]))

describe.each([...STORES])("on %s", (store) => {
  beforeAll(async () => {
    stem = await makeStem(store)
    mkdirSync(join(stem.folder, "project/deep/down"), { recursive: true })
    mkdirSync(join(stem.folder, "config/stem"), { recursive: true })
  })
  afterAll(() => stem.remove())
  const others = STORES.filter((other) => other !== store)

  test("--namespace keeps installations on one store apart", async () => {
    const id = (await stem.run(["enqueue", "x", "--namespace", stem.beside("one")])).out.trim()
    expect((await stem.run(["result", id, "--namespace", stem.beside("one")])).code).toBe(0)
    expect((await stem.run(["result", id, "--namespace", stem.beside("two")])).code).toBe(3)
  })

  test.each(others)("--results remembers ended tasks in another store", async (elsewhere) => {
    const other = await makeStem(elsewhere)
    const namespace = elsewhere === "sqlite" ? stem.namespace : other.namespace
    const split = ["--results", other.url, "--namespace", namespace]
    try {
      await stem.write("tasks.ts", TASKS)
      const id = (await stem.run(["enqueue", "add", "a=1", "b=2", ...split])).out.trim()
      expect((await stem.drain("tasks.ts", ...split)).code).toBe(0)
      expect(await stem.json(["result", id, ...split])).toMatchObject({ state: "succeeded", result: 3 })
      const there = ["--broker", other.url, "--namespace", namespace]
      expect(await stem.json(["result", id, ...there])).toMatchObject({ state: "succeeded", result: 3 })
      expect((await stem.run(["result", id, "--namespace", namespace])).code).toBe(3)
    } finally {
      await other.remove()
    }
  })
})

describe("where no server is asked", () => {
  beforeAll(async () => {
    stem = await makeStem()
    mkdirSync(join(stem.folder, "project/deep/down"), { recursive: true })
    mkdirSync(join(stem.folder, "config/stem"), { recursive: true })
  })
  afterAll(() => stem.remove())

  test("stem config shows every value and where it came from", async () => {
    await stem.write("stem.toml", 'worker.lease = "10s"\nworker.concurrency = 3\n')
    await stem.write("config/stem/stem.toml", 'worker.grace = "5s"\nworker.concurrency = 9\n')
    const rows = await rowsOf(["--namespace", "mine"], { env: { STEM_RETENTION_FAILURES: "2d" } })
    expect(rows.namespace).toEqual({ key: "namespace", value: "mine", source: "flag", origin: "--namespace" })
    expect(rows["retention.failures"]).toMatchObject({
      value: "2d",
      source: "environment",
      origin: "STEM_RETENTION_FAILURES",
    })
    expect(rows["worker.lease"]).toMatchObject({ value: "10s", source: "file", origin: "stem.toml" })
    expect(rows["worker.concurrency"]).toMatchObject({ value: 3, origin: "stem.toml" })
    expect(rows["worker.grace"]).toMatchObject({
      value: "5s",
      origin: join(stem.folder, "config/stem/stem.toml"),
    })
    expect(rows["log.level"]).toEqual({ key: "log.level", value: "info", source: "default", origin: null })
    const { out } = await stem.run(["config"])
    expect(out).toMatch(/^worker\.lease +10s +stem\.toml$/m)
  })

  test("The nearest stem.toml upward is used", async () => {
    await stem.write("project/stem.toml", 'namespace = "project"\n')
    const cwd = join(stem.folder, "project/deep/down")
    const rows = await rowsOf([], { cwd })
    expect(rows.namespace).toMatchObject({ value: "project", origin: "../../stem.toml" })
    // The one further up is not read at all.
    expect(rows["worker.lease"]).toMatchObject({ source: "default" })
  })

  test("Relative paths in stem.toml are meant from its folder", async () => {
    await stem.write("project/stem.toml", 'broker = "sqlite:./jobs.db"\n')
    const { code } = await stem.run(["enqueue", "x"], {
      cwd: join(stem.folder, "project/deep/down"),
      env: noBroker,
    })
    expect(code).toBe(0)
    expect(existsSync(join(stem.folder, "project/jobs.db"))).toBe(true)
  })

  test("Nothing configured means a sqlite file in the user's state folder", async () => {
    await stem.write("stem.toml", "")
    expect((await stem.run(["enqueue", "x"], { env: noBroker })).code).toBe(0)
    expect(existsSync(join(stem.folder, "state/stem/stem.db"))).toBe(true)
    expect((await rowsOf([], { env: noBroker })).broker).toMatchObject({ source: "default" })
  })

  test("Secrets are masked wherever a value is shown", async () => {
    const url = "redis://me:hunter2@host/0?password=hunter2"
    for (const args of [
      ["config"],
      ["config", "-o", "json"],
      ["health"],
      ["inspect"],
      ["enqueue", "x"],
      ["doctor"],
      ["migrate"],
    ])
      for (const more of [[], ["--debug"]]) {
        const { out, err } = await stem.run([...args, ...more], { env: { STEM_BROKER_URL: url } })
        expect(out + err).not.toContain("hunter2")
      }
    expect((await rowsOf([], { env: { STEM_BROKER_URL: url } })).broker).toMatchObject({
      value: "redis://me:***@host/0?password=***",
    })
  })

  test("A secret can be read from a file", async () => {
    const file = await stem.write("secret-url", `sqlite:${stem.folder}/secret.db\n`)
    const env = { ...noBroker, STEM_BROKER_URL_FILE: file }
    expect((await rowsOf([], { env })).broker).toMatchObject({
      origin: "STEM_BROKER_URL_FILE",
      source: "environment",
    })
    expect((await stem.run(["enqueue", "x"], { env })).code).toBe(0)
    expect(existsSync(join(stem.folder, "secret.db"))).toBe(true)
    const gone = await stem.run(["config"], { env: { ...noBroker, STEM_BROKER_URL_FILE: "/nowhere" } })
    expect(gone).toMatchObject({ code: 2, out: "" })
    expect(gone.err).toContain("STEM_BROKER_URL_FILE: /nowhere can not be read")
  })

  test("A wrong value is named with its place and exit 2", async () => {
    const cwd = join(stem.folder, "project")
    await stem.write("project/stem.toml", "[worker]\nconcurrency = 'many'\n")
    const file = await stem.run(["enqueue", "x"], { cwd })
    expect(file).toMatchObject({ code: 2, out: "" })
    expect(file.err).toContain('stem.toml: worker.concurrency: "many" is not a whole number from 1 to 10000')
    const flag = await stem.run(["worker", "tasks.ts", "--lease", "never"])
    expect(flag.code).toBe(2)
    expect(flag.err).toContain('--lease: "never" is not a duration')
    const variable = await stem.run(["enqueue", "x"], { env: { STEM_GRACE: "never" } })
    expect(variable.code).toBe(2)
    expect(variable.err).toContain('STEM_GRACE: "never" is not a duration')
  })

  test("A setting that does not exist is refused with the nearest name", async () => {
    const cwd = join(stem.folder, "project")
    await stem.write("project/stem.toml", "[worker]\nconcurency = 4\n")
    const { code, err } = await stem.run(["enqueue", "x"], { cwd })
    expect(code).toBe(2)
    expect(err).toBe(
      "error: stem.toml: worker.concurency: there is no such setting\nDid you mean worker.concurrency?\n",
    )
  })

  test("Durations and instants are read the same way everywhere", async () => {
    const cwd = join(stem.folder, "project")
    await stem.write("project/stem.toml", 'worker.lease = "1h30m"\n')
    expect((await rowsOf([], { cwd }))["worker.lease"]?.value).toBe("1h 30m")
    expect((await rowsOf([], { env: { STEM_LEASE: "1h30m" } }))["worker.lease"]?.value).toBe("1h 30m")
    const at = "2126-03-29T01:30:00Z"
    const id = (await stem.run(["enqueue", "x", "--at", at])).out.trim()
    const lines = JSON.stringify({ task: "x", at, id: "from-file" })
    await stem.run(["enqueue", "--file", "-"], { stdin: lines })
    for (const one of [id, "from-file"])
      expect((await stem.json(["result", one])).dueAt).toBe("2126-03-29T01:30:00.000Z")
    for (const wrong of ["90", "1 hour", "-5s"]) {
      expect((await stem.run(["enqueue", "x", `--delay=${wrong}`])).code).toBe(2)
      expect((await stem.run(["config"], { env: { STEM_LEASE: wrong } })).code).toBe(2)
      const line = JSON.stringify({ task: "x", delay: wrong })
      expect((await stem.run(["enqueue", "--file", "-"], { stdin: line })).code).toBe(2)
    }
  })
})
