import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { fact } from "../chaos/scene.ts"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem
const run = (...args: string[]) => stem.run(["schedule", ...args])
const json = (...args: string[]) => stem.json(["schedule", ...args, "-o", "json"])
const ids = async () => (await json("history", "tick", "--limit", "1000")).map(({ id }: { id: string }) => id)

describe.each([...STORES])("on %s", (store) => {
  beforeEach(async () => {
    stem = await makeStem(store)
  })
  afterEach(() => stem.remove())

  describe("stem schedule", () => {
    test("add stores a schedule, edits it, and prints its name", async () => {
      const added = await run(
        "add",
        "nightly",
        "--cron",
        "0 3 * * *",
        "--timezone",
        "Europe/Berlin",
        "--task",
        "add",
      )
      expect(added).toMatchObject({ code: 0, out: "nightly\n" })
      expect(added.err).toContain("nightly fires next at ")
      const [listed] = await json("list")
      expect(listed).toMatchObject({
        ...{
          name: "nightly",
          task: "add",
          spec: { kind: "cron", expression: "0 3 * * *" },
          timezone: "Europe/Berlin",
        },
        ...{ lastAt: null, lastId: null, runs: 0, failures: 0, paused: false, source: "command" },
      })
      expect(listed.nextAt).toMatch(/T0[12]:00:00\.000Z$/)
      await run("add", "nightly", "--every", "90s", "--task", "add", "--input", '{"a":1,"b":2}')
      expect(await json("show", "nightly")).toMatchObject({ spec: { kind: "every" }, input: { a: 1, b: 2 } })
    })

    test("a command stands behind two dashes", async () => {
      await run("add", "backup", "--cron", "@daily", "--", "/opt/b.sh", "--all", "x y")
      expect(await json("show", "backup")).toMatchObject({
        ...{ task: "shell", input: { argv: ["/opt/b.sh", "--all", "x y"] } },
      })
      expect((await run("export")).out).toContain("0 0 * * * /opt/b.sh --all 'x y'")
    })

    test("export keeps variables, folder and input, and tells what cron has no word for", async () => {
      await stem.write("a.cron", "GREETING=hi you\n0 3 * * * cat; echo $GREETING%one%50\\% off\n")
      await run("import", "a.cron", "--prefix", "a", "--timezone", "UTC")
      const kept = await run("export")
      expect(kept).toMatchObject({ code: 0, err: "" })
      const line = "0 3 * * * env 'GREETING=hi you' /bin/sh -c 'cat; echo $GREETING'%one%50\\% off"
      expect(kept.out).toContain(`${line}\n`)
      await stem.write("b.cron", "0 3 * * * nobody /bin/true\n")
      await run("import", "--system", "b.cron", "--prefix", "b", "--overlap", "skip")
      const told = await run("export")
      expect(told.code).toBe(1)
      expect(told.err).toContain("b-1 is written without what cron can not express: user, overlap policy")
      expect(told.out).toContain("# b-1, without: user, overlap policy\n")
    })

    test("what a person asks for expires after the asking, not after its instant", async () => {
      await run("add", "soon", "--every", "1h", "--task", "t", "--expires", "10m")
      await run("backfill", "soon", "--from", "2026-01-01", "--to", "2026-01-01T01:00:00Z", "--yes")
      const [task] = await stem.json(["inspect", "tasks"])
      const { expiresAt } = await stem.json(["inspect", "task", task.id])
      expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now())
    })

    test("run fires now and once, backfill what has passed, and history tells both", async () => {
      await stem.write("tasks.ts", TASKS)
      await run("add", "hourly", "--every", "1h", "--task", "echo", "--input", "7")
      const id = (await run("run", "hourly")).out.trim()
      await stem.drain("tasks.ts")
      expect(await json("history", "hourly")).toMatchObject([{ id, state: "succeeded", byHand: true }])
      const some = ["backfill", "hourly", "--from", "2026-01-01", "--to", "2026-01-01T03:00:00Z"]
      expect(await json(...some, "--dry-run")).toHaveLength(3)
      expect((await run(...some)).code).toBe(2)
      expect(await json(...some, "--yes")).toMatchObject([
        { state: "fired" },
        { state: "fired" },
        { state: "fired" },
      ])
      expect(await json(...some, "--yes")).toMatchObject([{ state: "duplicate" }, {}, {}])
      expect(await json("history", "hourly")).toHaveLength(4)
    })

    test("pause, resume and remove", async () => {
      await run("add", "a", "--every", "1h", "--task", "t")
      await run("pause", "a", "--why", "the disk is full")
      expect((await json("list"))[0]).toMatchObject({
        paused: true,
        pausedWhy: "the disk is full",
        nextAt: null,
      })
      expect((await run("resume", "a")).err).toContain("a fires next at ")
      expect((await run("remove", "a")).code).toBe(0)
      expect(await json("list")).toEqual([])
    })

    test("a crontab is imported line by line, or not at all", async () => {
      const crontab = "MAILTO=me@example.org\nCRON_TZ=Europe/Paris\n5 4 * * * /bin/cat%hello\n@hourly x | y\n"
      const bad = await stem.run(["schedule", "import", "-"], { stdin: `${crontab}61 * * * * z\n` })
      expect(bad).toMatchObject({ code: 2, out: "" })
      expect(bad.err).toContain("line 5 of stdin")
      expect(await json("list")).toEqual([])
      const good = await stem.run(["schedule", "import", "-", "-o", "name"], { stdin: crontab })
      expect(good.out).toBe("cron-3\ncron-4\n")
      expect(good.err).toContain("line 3 of stdin: output is not mailed")
      expect(await json("show", "cron-3")).toMatchObject({
        ...{ timezone: "Europe/Paris", input: { argv: ["/bin/cat"], useShell: true, stdin: "hello\n" } },
      })
    })

    test("lint names what is skipped or doubled, and fails for what never fires", async () => {
      await run("add", "odd", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--task", "t")
      const odd = await stem.run(["schedule", "lint", "-o", "json"])
      expect(odd.code).toBe(0)
      expect(JSON.parse(odd.out)).toContainEqual(expect.objectContaining({ name: "odd", code: "moved" }))
      await stem.write("stem.toml", `[schedules.never]\ncron = "0 0 30 2 *"\ntask = "t"\n`)
      expect(await stem.run(["schedule", "lint"])).toMatchObject({ code: 1 })
    })
  })

  describe("stem beat", () => {
    test("fires what stem.toml and a module define, keeps history on HUP, and leaves on TERM", async () => {
      await stem.write("stem.toml", `[schedules.tick]\nevery = "200ms"\ntask = "echo"\n`)
      await stem.write(
        "tasks.ts",
        `${TASKS}\nexport const coded = { every: "300ms", task: echo, input: 5 }\n`,
      )
      const beat = stem.start(["beat", "tasks.ts", "-o", "ndjson", "--name", "mine", "--log-format", "json"])
      await beat.says('"beat_ready"')
      await fact(async () => (await ids()).length >= 3, 10_000, "it fires")
      expect((await stem.run(["health", "--worker", "mine"])).code).toBe(0)
      expect((await json("list")).map(({ name }: { name: string }) => name)).toEqual(["coded", "tick"])
      await stem.write("stem.toml", `[schedules.tick]\nevery = "200ms"\ntask = "echo"\ninput = "edited"\n`)
      await stem.write("tasks.ts", TASKS)
      const before = (await ids()).length
      beat.child.kill("SIGHUP")
      await beat.says('"removed":["coded"]')
      expect(await json("show", "tick")).toMatchObject({ input: "edited" })
      expect((await ids()).length).toBeGreaterThanOrEqual(before)
      await stem.write("stem.toml", `[schedules.tick]\nevery = "soon"\n`)
      beat.child.kill("SIGHUP")
      await beat.says('"sync_failed"')
      beat.child.kill("SIGTERM")
      const { code, out } = await beat.done
      expect(code).toBe(0)
      const lines = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      expect(lines[0]).toMatchObject({ task: "echo", state: "fired", latenessMs: expect.any(Number) })
    }, 30_000)

    test("a wrong stem.toml is refused before anything fires", async () => {
      await stem.write("stem.toml", `[schedules.a]\nevery = "soon"\ntask = "t"\n`)
      const ran = await stem.run(["beat"])
      expect(ran.code).toBe(2)
      expect(ran.err).toContain('stem.toml: schedules.a: schedule "a": every: "soon" is not a duration')
    })

    test("a worker with --beat fires and runs", async () => {
      await stem.write("tasks.ts", `${TASKS}\nexport const tick = { every: "200ms", task: echo, input: 5 }\n`)
      const worker = stem.start(["worker", "tasks.ts", "--beat", "--isolates", "1"])
      const done = async () =>
        (await json("history", "tick")).filter(({ state }: { state: string }) => state === "succeeded").length
      await worker.says("ready: 1 schedule")
      await fact(async () => (await done()) >= 3, 15_000, "firings succeed")
      worker.child.kill("SIGTERM")
      expect((await worker.done).code).toBe(0)
    }, 30_000)

    test("schedules may live in another store than their tasks", async () => {
      const env = { STEM_SCHEDULE_STORE_URL: `sqlite:${stem.folder}/plans.db` }
      await stem.run(["schedule", "add", "tick", "--every", "200ms", "--task", "echo", "--max-runs", "3"], {
        env,
      })
      const beat = stem.start(["beat"], { env })
      await beat.says("is over after 3 firings")
      beat.child.kill("SIGTERM")
      await beat.done
      expect(await stem.json(["inspect", "tasks", "-o", "json"])).toHaveLength(3)
      expect(await json("list")).toEqual([])
    }, 30_000)
  })
})

describe("where no server is asked", () => {
  beforeEach(async () => {
    stem = await makeStem()
  })
  afterEach(() => stem.remove())

  test.each([
    [["add", "x", "--cron", "61 * * * *", "--task", "t"], 2, "61"],
    [["add", "x", "--every", "1m", "--at", "1h", "--task", "t"], 2, "twice"],
    [["add", "x", "--task", "t"], 2, "not when it fires"],
    [["add", "x", "--every", "1m"], 2, "what is x to run?"],
    [["add", "x", "--every", "1m", "--jitter", "2m", "--task", "t"], 2, "not smaller than the interval"],
    [["add", "x", "--at", "2020-01-01", "--task", "t"], 2, "would never fire"],
    [["add", "x", "--every", "1m", "--timezone", "Mars/Olympus", "--task", "t"], 2, "time zone"],
    [["show", "nobody"], 3, "no schedule is named nobody"],
    [["run", "nobody"], 3, "no schedule is named nobody"],
    [["next"], 2, "which schedule?"],
    [["next", "--cron", "0 0 30 2 *"], 3, "never fires"],
  ])("%p is refused with exit code %d", async (args, code, says) => {
    const ran = await run(...args)
    expect(ran).toMatchObject({ code, out: "" })
    expect(ran.err).toContain(says)
  })

  test("a bad spec of stem.toml is told with its schedule and its file", async () => {
    await stem.write("stem.toml", '[schedules.bad]\ncron = "61 * * * *"\ntask = "t"\n')
    const { code, out, err } = await stem.run(["beat"])
    expect({ code, out }).toEqual({ code: 2, out: "" })
    expect(err).toContain('schedule "bad" of ')
    expect(err).toContain('stem.toml: cron "61 * * * *", column 1')
  })

  test("next shows what Beat will do, and explains daylight saving", async () => {
    const spec = ["--cron", "30 2 * * *", "--timezone", "Europe/Berlin"]
    expect((await run("next", ...spec, "--from", "2026-03-28", "--count", "2")).out).toBe(
      "2026-03-28T01:30:00.000Z\n2026-03-29T01:00:00.000Z\n",
    )
    const around = (await run("next", ...spec, "--around", "2026-10-25")).out
    expect(around).toContain("# On 2026-10-25 clocks in Europe/Berlin go back")
    expect(await json("next", "--every", "1h", "--from", "2026-01-01", "--count", "1")).toEqual([
      { at: "2026-01-01T01:00:00.000Z" },
    ])
  })
})
