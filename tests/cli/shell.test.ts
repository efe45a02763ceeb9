import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { completionTree } from "../../src/commands/completions/tree.ts"
import { ROOT } from "../../src/commands/index.ts"
import { stemCommand } from "../support/executable.ts"
import { makeStem, STEM_LINE, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const ESCAPE = /\u001b/

describe.each([...STORES])("on %s", (store) => {
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("Control characters never reach a terminal", async () => {
    const id = (await stem.run(["enqueue", "nasty", "k=\u001b[2J\u0007"])).out.trim()
    await stem.drain()
    for (const args of [
      ["result", id],
      ["inspect", "tasks"],
      ["dlq", "list"],
      ["dlq", "show", id],
      ["dlq", "list", "--group"],
    ]) {
      const { out } = await stem.run(args)
      expect(out).toContain("red")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
      expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
    }
    const status = await stem.json(["result", id])
    expect(status.error.message).toBe("\u001b[31mred\u0007\u202e")
    await stem.run(["dlq", "purge", "--all", "--yes"])
  })

  test("A closed pipe ends quietly", async () => {
    const lines = Array.from({ length: 3000 }, (_, at) =>
      JSON.stringify({ task: "piped", input: { at } }),
    ).join("\n")
    await stem.run(["enqueue", "--file", "-", "--queue", "piped"], { stdin: lines })
    for (const format of ["ndjson", "table", "json", "name"]) {
      const line = `${STEM_LINE} inspect tasks --queue piped --limit 3000 -o ${format} | head -1; echo "codes \${PIPESTATUS[@]}"`
      const child = Bun.spawn(["bash", "-c", line], {
        env: { ...process.env, ...stem.env },
        stdio: ["ignore", "pipe", "pipe"],
      })
      const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
      expect(out).toEndWith("codes 0 0\n")
      expect(err).toBe("")
    }
    await stem.run(["queue", "purge", "piped", "--yes"])
  })

  test("Every listing has table, json, ndjson and name output", async () => {
    await stem.run(["enqueue", "boom", "id=1"])
    await stem.drain()
    await stem.run(["enqueue", "echo", "--queue", "listed"])
    for (const args of [
      ["inspect", "queues"],
      ["inspect", "tasks"],
      ["inspect", "registered", "tasks.ts"],
      ["dlq", "list"],
      ["dlq", "list", "--group"],
      ["config"],
      ["doctor"],
    ]) {
      const [json, ndjson, name, table] = await Promise.all(
        ["json", "ndjson", "name", "table"].map(
          async (format) => (await stem.run([...args, "-o", format])).out,
        ),
      )
      const rows = JSON.parse(json as string) as object[]
      expect(rows.length).toBeGreaterThan(0)
      const lines = (ndjson as string).trimEnd().split("\n")
      expect(lines.map((line) => Object.keys(JSON.parse(line)))).toEqual(rows.map((row) => Object.keys(row)))
      expect((name as string).trimEnd().split("\n")).toHaveLength(rows.length)
      expect((table as string).trimEnd().split("\n")).toHaveLength(rows.length + 1)
    }
    expect((await stem.run(["inspect", "workers", "-o", "json"])).out).toBe("[]\n")
  }, 30_000)

  test("--time iso shows instants instead of distances", async () => {
    expect((await stem.run(["inspect", "tasks", "--time", "iso"])).out).toMatch(/\d{4}-\d\d-\d\dT\d\d:\d\d/)
    expect((await stem.run(["inspect", "tasks", "--time", "relative"])).out).not.toMatch(/\d{4}-\d\d-\d\dT/)
  })

  test("--watch shows again and again, and --watch=100ms does so sooner", async () => {
    await stem.run(["queue", "pause", "watched"])
    const began = performance.now()
    const child = Bun.spawn([...stemCommand(), "inspect", "queues", "--watch=100ms", "-o", "ndjson"], {
      env: { ...process.env, ...stem.env },
      stdio: ["ignore", "pipe", "inherit"],
    })
    let seen = ""
    for await (const chunk of child.stdout as unknown as AsyncIterable<Uint8Array>) {
      seen += new TextDecoder().decode(chunk)
      if (seen.split('"queue":"watched"').length > 3) break
    }
    expect(performance.now() - began).toBeLessThan(10_000)
    child.kill("SIGKILL")
    expect((await stem.run(["inspect", "--watch=1ms"])).code).toBe(2)
  })
})

describe("where no server is asked", () => {
  beforeAll(async () => {
    stem = await makeStem()
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("Errors say what was wrong, where and what to do next", async () => {
    const table: [args: string[], err: string][] = [
      [["enqueue", "hello", '{"a":'], "error: the input is not JSON: line 1, column 6: it ends too early\n"],
      [["enqueue", "a b"], "error: malformed envelope: task: is not a valid name\n"],
      [["worker"], "error: which tasks are to be run?\nName a task module: stem worker ./tasks.ts"],
      [["worker", "gone.ts"], "error: gone.ts: there is no such file\n"],
      [["inspect", "tasks", "--limit", "0"], '--limit: "0" is not a whole number from 1 to 1000000'],
      [["inspect", "tasks", "--since", "soon"], '--since: "soon" is not an instant'],
      [["result"], "error: something is missing\nUsage: stem result <id>\n"],
      [["enqueue", "x", "--broker", "nosuch:"], 'error: no store is known for "nosuch:"'],
      [["queue"], "error: stem queue needs a command\nCommands: pause, resume, purge."],
    ]
    for (const [args, message] of table) {
      const { code, out, err } = await stem.run(args)
      expect({ args, code, out }).toEqual({ args, code: 2, out: "" })
      expect(err).toContain(message)
      expect(err).not.toMatch(/\n\s+at /)
    }
  })

  test("A typo is answered with a suggestion and exit 2", async () => {
    const table: [args: string[], meant: string][] = [
      [["enqeue", "x"], "Did you mean stem enqueue?"],
      [["queue", "pase", "x"], "Did you mean stem queue pause?"],
      [["inspect", "taks"], "Did you mean stem inspect tasks?"],
      [["enqueue", "x", "--prioritty", "3"], "Did you mean --priority?"],
      [["result", "x", "-o", "jsn"], "Did you mean json?"],
      [["inspect", "tasks", "--state", "faild"], "Did you mean failed?"],
      [["completions", "zs"], "Did you mean zsh?"],
    ]
    for (const [args, meant] of table) {
      const { code, out, err } = await stem.run(args)
      expect({ args, code, out }).toEqual({ args, code: 2, out: "" })
      expect(err).toContain(meant)
    }
  })

  test("a fault in Stem shows where it came from only with --debug", async () => {
    const plain = await stem.run(["result", "x", "--wait=wrong"])
    expect(plain.err).not.toMatch(/^ +at /m)
    const debug = await stem.run(["result", "x", "--wait=wrong", "--debug"])
    expect(debug.code).toBe(2)
    expect(debug.err).toMatch(/^ +at .+:\d+:\d+/m)
  })

  test("help of every command shows examples first, and every flag", async () => {
    const root = await stem.run(["--help"])
    expect(root).toMatchObject({ code: 0, err: "" })
    const nodes = (await completionTree(ROOT)).filter(({ path }) => path.length > 0)
    expect(nodes.length).toBeGreaterThan(20)
    for (const { path, flags, children } of nodes.slice(0, 40)) {
      const { code, out, err } = await stem.run([...path, "--help"])
      expect({ path, code, err }).toEqual({ path, code: 0, err: "" })
      expect(out).toStartWith(`stem ${path.join(" ")}: `)
      expect(out.indexOf("Examples")).toBeGreaterThan(0)
      for (const later of ["Usage", "Options", "Commands"])
        if (out.includes(`\n${later}\n`))
          expect(out.indexOf("Examples")).toBeLessThan(out.indexOf(`\n${later}\n`))
      if (children.length === 0) for (const { name } of flags) expect(out).toContain(`--${name}`)
    }
    expect((await stem.run(["help", "dlq", "replay"])).out).toBe(
      (await stem.run(["dlq", "replay", "-h"])).out,
    )
  }, 60_000)

  test("Help opens no store and writes no file", async () => {
    const home = join(stem.folder, "empty")
    const { code } = await stem.run(["--help"], {
      // From source, Bun keeps a cache of its own there.
      env: {
        HOME: home,
        XDG_STATE_HOME: home,
        STEM_BROKER_URL: undefined,
        BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
      },
    })
    expect(code).toBe(0)
    expect(existsSync(home)).toBe(false)
  })

  test("Colours appear only on a terminal", async () => {
    await stem.run(["queue", "pause", "colours"])
    expect((await stem.run(["inspect"])).out).not.toMatch(ESCAPE)
    expect((await stem.run(["inspect", "--color", "never"])).out).not.toMatch(ESCAPE)
    expect((await stem.run(["inspect", "--color", "always"])).out).toMatch(ESCAPE)
    const terminal = async (...args: string[]) => {
      const child = Bun.spawn(["script", "-qec", [STEM_LINE, "--help", ...args].join(" "), "/dev/null"], {
        env: { PATH: process.env.PATH, TERM: "xterm", ...(args.length === 0 ? {} : { NO_COLOR: "1" }) },
        stdio: ["ignore", "pipe", "ignore"],
      })
      return child.stdout.text()
    }
    expect(await terminal()).toMatch(ESCAPE)
    expect(await terminal("--color", "auto")).not.toMatch(ESCAPE)
  })

  test("a full disk behind stdout is an error, not a silence", async () => {
    const child = Bun.spawn(["bash", "-c", `${STEM_LINE} version > /dev/full`], {
      stderr: "pipe",
    })
    expect(await child.stderr.text()).toContain("ENOSPC")
    expect(await child.exited).toBe(1)
  })

  test("--log-format json tells errors as JSON, and --log-level silent tells nothing", async () => {
    const { err } = await stem.run(["result", "nobody", "--log-format", "json"])
    expect(JSON.parse(err)).toMatchObject({
      level: "error",
      code: "unknown_task_id",
      message: "no task has the id nobody",
    })
    expect((await stem.run(["queue", "pause", "q", "--log-level", "error"])).err).toBe("")
    expect((await stem.run(["queue", "pause", "q"])).err).toBe("queue q was paused already\n")
    const fromEnvironment = await stem.run(["--nonsense"], { env: { STEM_LOG_FORMAT: "json" } })
    expect(JSON.parse(fromEnvironment.err)).toMatchObject({ level: "error", code: "usage" })
  })

  test("The executable tells its version", async () => {
    const { version } = await import("../../package.json")
    expect((await stem.run(["version"])).out).toBe(`stem ${version}\n`)
    expect((await stem.run(["--version"])).out).toBe(`stem ${version}\n`)
    expect(await stem.json(["version"])).toEqual({
      version,
      commit: expect.stringMatching(/^[0-9a-f]{12}$/),
      bun: Bun.version,
      platform: `${process.platform}-${process.arch}`,
    })
  })

  test("a store that can not be used answers 69", async () => {
    for (const args of [["health"], ["inspect"], ["enqueue", "x"]]) {
      const { code, out, err } = await stem.run([...args, "--broker", "sqlite:/nowhere/at/all/stem.db"])
      expect({ code, out }).toEqual({ code: 69, out: "" })
      expect(err).toStartWith("error: ")
    }
  })
})
