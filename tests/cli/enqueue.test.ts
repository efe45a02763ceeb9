import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STEM_LINE, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\n$/
const inputOf = async (id: string) => (await stem.json(["result", id])).input

describe.each([...STORES])("on %s", (store) => {
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("Enqueue prints the id and nothing else", async () => {
    const { code, out, err } = await stem.run(["enqueue", "hello", "name=World"])
    expect({ code, err }).toEqual({ code: 0, err: "" })
    expect(out).toMatch(UUID)
    expect(await stem.json(["enqueue", "hello", "--queue", "q"])).toEqual({
      ...{ id: expect.any(String), task: "hello", queue: "q", state: "queued", duplicate: false },
    })
  })

  test("Input comes as JSON, as key=value or from stdin", async () => {
    const value = { name: "World", n: 3, ok: true, list: [1, "a"], text: "" }
    const ways: [string[], string?][] = [
      [[JSON.stringify(value)]],
      [["name=World", "n=3", "ok=true", 'list=[1,"a"]', "text="]],
      [["-"], `${JSON.stringify(value, null, 2)}\n`],
    ]
    for (const [args, stdin] of ways) {
      const { out } = await stem.run(["enqueue", "echo", ...args], stdin === undefined ? {} : { stdin })
      expect(await inputOf(out.trim())).toEqual(value)
    }
    const broken = await stem.run(["enqueue", "echo", "-"], { stdin: '{\n  "a": oops\n}' })
    expect(broken).toMatchObject({ code: 2, out: "" })
    expect(broken.err).toContain("stdin is not JSON: line 2, column 8")
  })

  test("every flag says something about the task", async () => {
    const show = async (...args: string[]) => {
      const { code, out, err } = await stem.run(["enqueue", "echo", ...args])
      expect({ args, code, err }).toEqual({ args, code: 0, err: "" })
      return stem.json(["inspect", "task", out.trim()])
    }
    expect(await show("--queue", "other")).toMatchObject({ queue: "other" })
    expect(await show("--priority", "9")).toMatchObject({ priority: 9 })
    expect(await show("--retries", "0")).toMatchObject({ retries: 0 })
    expect(await show("--timeout", "2m")).toMatchObject({ timeoutMs: 120_000 })
    expect(await show("--soft-timeout", "90s")).toMatchObject({ softTimeoutMs: 90_000 })
    expect(await show("--header", "a=1", "--header", "b=x=y")).toMatchObject({
      headers: { a: "1", b: "x=y" },
    })
    expect(await show("--id", "my-own")).toMatchObject({ id: "my-own" })
    expect(await show("--at", "2126-01-01")).toMatchObject({
      state: "scheduled",
      dueAt: "2126-01-01T00:00:00.000Z",
    })
    expect(await show("--expires", "2126-01-01")).toMatchObject({ expiresAt: "2126-01-01T00:00:00.000Z" })
    const delayed = await show("--delay", "10m")
    expect(Date.parse(delayed.dueAt) - Date.parse(delayed.enqueuedAt)).toBe(600_000)
  })

  test("a known id is a duplicate: the same answer, or exit 6 when asked to", async () => {
    const first = await stem.run(["enqueue", "echo", "--id", "once"])
    const second = await stem.run(["enqueue", "echo", "--id", "once"])
    expect(second).toEqual(first)
    expect(await stem.json(["enqueue", "echo", "--id", "once"])).toMatchObject({
      id: "once",
      duplicate: true,
    })
    const refused = await stem.run(["enqueue", "echo", "--id", "once", "--fail-on-duplicate"])
    expect(refused).toMatchObject({ code: 6, out: "" })
    expect(refused.err).toContain("the id once is known")
  })

  test("--module checks the input and brings the task's queue and priority", async () => {
    const wrong = await stem.run(["enqueue", "strict", "n=text", "--module", "tasks.ts"])
    expect(wrong).toMatchObject({ code: 2, out: "" })
    expect(wrong.err).toContain("input of strict: n: expected a number")
    const { out } = await stem.run(["enqueue", "strict", "n=1", "--module", "tasks.ts"])
    expect(await stem.json(["inspect", "task", out.trim()])).toMatchObject({ queue: "special", priority: 7 })
    const unknown = await stem.run(["enqueue", "stict", "--module", "tasks.ts"])
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain("Did you mean strict?")
  })

  test("A bad line in a file is named by its number", async () => {
    const lines = Array.from({ length: 2500 }, (_, at) => JSON.stringify({ task: "filed", input: at }))
    lines[2200] = '{"task":"filed","prioritty":3}'
    await stem.write("bad.ndjson", lines.join("\n"))
    const { code, out, err } = await stem.run(["enqueue", "--file", "bad.ndjson"])
    expect({ code, out }).toEqual({ code: 2, out: "" })
    expect(err).toContain('line 2201 of bad.ndjson: unknown field "prioritty"')
    expect(err).toContain("2000 tasks before it were accepted, nothing after them.")
    expect((await stem.json(["inspect", "tasks", "--task", "filed", "--limit", "5000"])).length).toBe(2000)
    const table: [line: string, message: string][] = [
      ["{", "line 2 of stdin: it is not JSON"],
      ["[]", "line 2 of stdin: it is not a JSON object"],
      ['{"input":1}', "line 2 of stdin: it names no task"],
      ['{"task":"x","priority":10}', "line 2 of stdin: malformed envelope: priority"],
      ['{"task":"a b"}', "line 2 of stdin: malformed envelope: task"],
      ['{"task":"x","delay":"soon"}', 'line 2 of stdin: delay: "soon" is not a duration'],
      ['{"task":"x","at":5}', "line 2 of stdin: at: it is not a text"],
      ['{"task":"x","headers":{"a":1}}', "line 2 of stdin: headers: they are not an object of texts"],
    ]
    for (const [line, message] of table) {
      const bad = await stem.run(["enqueue", "--file", "-"], { stdin: `{"task":"fine"}\n${line}\n` })
      expect(bad).toMatchObject({ code: 2, out: "" })
      expect(bad.err).toContain(message)
      expect(bad.err).toContain("0 tasks before it were accepted")
    }
  })

  test("a line of a file says everything that a flag says, and flags are defaults", async () => {
    const full = {
      ...{ task: "echo", input: { a: 1 }, queue: "q", priority: 1, delay: "10m", expires: "1d", id: "full" },
      ...{ retries: 2, timeout: "1m", softTimeout: "30s", headers: { h: "v" } },
    }
    const stdin = `${JSON.stringify(full)}\n\n{"input":2,"id":"bare"}\r\n`
    const flags = ["--queue", "flagged", "--priority", "8", "--at", "2126-01-01"]
    const { code, out, err } = await stem.run(["enqueue", "given", "--file", "-", "-o", "name", ...flags], {
      stdin,
    })
    expect({ code, out, err }).toEqual({ code: 0, out: "full\nbare\n", err: "2 accepted\n" })
    expect(await stem.json(["inspect", "task", "full"])).toMatchObject({
      ...{ task: "echo", input: { a: 1 }, queue: "q", priority: 1, retries: 2 },
      ...{ timeoutMs: 60_000, softTimeoutMs: 30_000, headers: { h: "v" } },
    })
    expect(Date.parse((await stem.json(["result", "full"])).dueAt)).toBeLessThan(Date.now() + 3_600_000)
    expect(await stem.json(["inspect", "task", "bare"])).toMatchObject({
      ...{ task: "given", input: 2, queue: "flagged", priority: 8, dueAt: "2126-01-01T00:00:00.000Z" },
    })
    const again = await stem.run(["enqueue", "given", "--file", "-", "--fail-on-duplicate"], { stdin })
    expect(again).toMatchObject({ code: 6, out: "", err: "0 accepted, 2 known before\n" })
    const json = await stem.run(["enqueue", "--file", "-", "-o", "json"], { stdin: '{"task":"x","id":"j"}' })
    expect(JSON.parse(json.out)).toEqual([
      { id: "j", task: "x", queue: "default", state: "queued", duplicate: false },
    ])
    expect((await stem.run(["enqueue", "--file", "-", "--wait"], { stdin })).code).toBe(2)
  })

  test("A file of tasks is enqueued in constant memory", async () => {
    const peak = async (count: number) => {
      const path = `${stem.folder}/many-${count}.ndjson`
      const writer = Bun.file(path).writer()
      for (let at = 0; at < count; at++)
        writer.write(`{"task":"many","input":{"at":${at}},"id":"m${count}-${at}"}\n`)
      await writer.end()
      const child = stem.start(["enqueue", "--file", path, "-o", "name"])
      let most = 0
      const watch = setInterval(async () => {
        const status = await Bun.file(`/proc/${child.child.pid}/status`)
          .text()
          .catch(() => "")
        most = Math.max(most, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0))
      }, 5)
      const { code, out } = await child.done
      clearInterval(watch)
      expect(code).toBe(0)
      const ids = out.trimEnd().split("\n")
      expect(ids.length).toBe(count)
      expect(ids.every((id, at) => id === `m${count}-${at}`)).toBe(true)
      return most / 1024
    }
    const few = await peak(20_000)
    const many = await peak(200_000)
    // Ten times the tasks; what is held besides is the store's own page cache.
    expect(many - few).toBeLessThan(80)
  }, 60_000)

  test("Enqueue with --wait prints the result", async () => {
    const worker = stem.start(["worker", "tasks.ts", "--isolates", "1", "--queues", "waited"])
    const run = (...args: string[]) => stem.run(["enqueue", ...args, "--queue", "waited"])
    expect(await run("add", "a=1", "b=2", "--wait")).toEqual({ code: 0, out: "3\n", err: "" })
    expect(await run("echo", '{"a":[1]}', "--wait=20s", "-o", "ndjson")).toEqual({
      code: 0,
      out: '{"a":[1]}\n',
      err: "",
    })
    expect((await run("context", "--wait", "--header", "k=v", "--retries", "1")).out).toContain('"k": "v"')
    const failed = await run("boom", "id=1", "--wait")
    expect(failed).toMatchObject({ code: 4, out: "" })
    expect(failed.err).toContain("failed: ENOENT: no such file")
    worker.child.kill("SIGTERM")
    expect((await worker.done).code).toBe(0)
    const late = await run("add", "a=1", "b=2", "--wait=100ms")
    expect(late).toMatchObject({ code: 5, out: "" })
    expect(late.err).toContain("has not ended after 100ms: it is queued")
  }, 30_000)

  test("a task that has expired is not run", async () => {
    const namespace = ["--namespace", stem.beside("expiry")]
    const id = (await stem.run(["enqueue", "add", "--expires", "3s", ...namespace])).out.trim()
    const { expiresAt } = await stem.json(["inspect", "task", id, ...namespace])
    while (Date.now() <= Date.parse(expiresAt)) await Bun.sleep(20)
    await stem.drain("tasks.ts", ...namespace)
    const { code, err } = await stem.run(["result", id, "--wait", ...namespace])
    expect({ code, err }).toEqual({ code: 4, err: `error: task ${id} expired\n` })
  })

  test("a reader who has left does not stop a file from being sent", async () => {
    const lines = Array.from({ length: 5000 }, (_, at) =>
      JSON.stringify({ task: "unread", input: { at } }),
    ).join("\n")
    const file = `${stem.folder}/unread.ndjson`
    await Bun.write(file, lines)
    const line = `${STEM_LINE} enqueue --file ${file} --queue unread -o name | head -1; echo "codes \${PIPESTATUS[@]}"`
    const child = Bun.spawn(["bash", "-c", line], {
      env: { ...process.env, ...stem.env },
      stdio: ["ignore", "pipe", "ignore"],
    })
    expect(await child.stdout.text()).toEndWith("codes 0 0\n")
    expect(await stem.json(["inspect", "queues"])).toContainEqual(
      expect.objectContaining({ queue: "unread", ready: 5000 }),
    )
  })
})

describe("where no server is asked", () => {
  beforeAll(async () => {
    stem = await makeStem()
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("wrong options enqueue nothing", async () => {
    for (const args of [
      ["--priority", "10"],
      ["--priority", "-1"],
      ["--retries", "many"],
      ["--timeout", "0s"],
      ["--header", "novalue"],
      ["--delay", "1m", "--at", "2126-01-01"],
      ["--id", "with space"],
      ["--queue", "no spaces"],
      ["--file", "nowhere.ndjson"],
      ["--wait", "30s"],
      ["--expires", "2020-01-01"],
      ["--expires", "1m", "--delay", "10m"],
      ["--timeout", "10s", "--soft-timeout", "20s"],
    ]) {
      const { code, out, err } = await stem.run(["enqueue", "refused", ...args])
      expect({ args, code, out }).toEqual({ args, code: 2, out: "" })
      expect(err).toStartWith("error: ")
    }
    expect(await stem.json(["inspect", "tasks", "--task", "refused"])).toEqual([])
  })
})
