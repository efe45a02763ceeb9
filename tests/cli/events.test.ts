import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeStem, STEM_LINE as STEM, type Stem, TASKS } from "./stem.ts"

let stem: Stem
beforeAll(async () => {
  stem = await makeStem()
  await stem.write("tasks.ts", TASKS)
})
afterAll(() => stem.remove())

type Line = { kind: string; id?: string; task?: string; cursor: string; at: string }
const linesOf = (out: string) =>
  out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]))
/** Stem in a shell, with its stdout at hand. */
const spawn = (words: string) =>
  Bun.spawn(["sh", "-c", words.includes("|") ? `${STEM} ${words}` : `exec ${STEM} ${words}`], {
    cwd: stem.folder,
    env: {
      PATH: process.env.PATH as string,
      HOME: stem.folder,
      STEM_BROKER_URL: `sqlite:${stem.folder}/stem.db`,
    },
    stdout: "pipe",
  })
const enqueue = async (...args: string[]) => (await stem.run(["enqueue", ...args])).out.trim()

test("stem events shows what happened last, and narrows it", async () => {
  const id = await enqueue("add", "a=1", "b=2")
  const failing = await enqueue("boom", "id=7")
  await stem.drain()
  const all = linesOf((await stem.run(["events"])).out)
  expect(all.flatMap((line) => (line.id === id ? [line.kind] : []))).toEqual([
    "enqueued",
    "started",
    "succeeded",
  ])
  for (const { at, cursor } of all)
    expect([at, cursor]).toEqual([expect.stringMatching(/Z$/), expect.any(String)])
  const narrowed = async (...args: string[]) => linesOf((await stem.run(["events", ...args])).out)
  expect((await narrowed("--id", failing, "--kind", "failed")).map(({ kind }) => kind)).toEqual(["failed"])
  expect((await narrowed("--task", "add")).every(({ task }) => task === "add")).toBeTrue()
  expect(await narrowed("--queue", "nobody")).toEqual([])
  expect(await narrowed("--limit", "2")).toEqual(all.slice(-2))
  expect(await narrowed("--since", "1h")).toEqual(all)
  expect(await narrowed("--after", all[2]?.cursor as string)).toEqual(all.slice(3))
  expect(await stem.json(["events", "--id", id])).toHaveLength(3)
  const { out } = await stem.run(["events", "-o", "table", "--id", failing])
  expect(out).toMatch(/failed +boom .* TypeError: no such file/)
})

test("What stem events can not read exits with 2", async () => {
  for (const [args, says] of [
    [["--kind", "faild"], "Did you mean failed?"],
    [["--after", "x"], "is no place in the events"],
    [["--since", "1h", "--limit", "3"], "Give one of them"],
    [["-f", "-o", "json"], "Use -o ndjson"],
    [["--limit", "-1"], "--limit"],
  ] as const) {
    const { code, out, err } = await stem.run(["events", ...args])
    expect({ code, out }).toEqual({ code: 2, out: "" })
    expect(err).toContain(says)
  }
})

test("stem events --follow tells what happens in other processes, flushed at once", async () => {
  const follower = spawn(`events --follow --limit 0 --kind enqueued`)
  const reader = follower.stdout.getReader()
  const sent: string[] = []
  let read = ""
  const reading = (async () => {
    while (linesOf(read.slice(0, read.lastIndexOf("\n") + 1)).length < 2)
      read += new TextDecoder().decode((await reader.read()).value)
  })()
  // It may not listen yet when the first ones come.
  let over = false
  void reading.then(() => {
    over = true
  })
  while (!over) sent.push(await enqueue("add", "a=1", "b=2"))
  const seen = linesOf(read.slice(0, read.lastIndexOf("\n") + 1)).map(({ id }) => id as string)
  expect(sent.join()).toContain(seen.join())
  follower.kill()
  await follower.exited
}, 30_000)

test("A closed pipe ends stem events quietly", async () => {
  const child = spawn("events --since 1h 2> err | head -1")
  expect(linesOf(await child.stdout.text())).toHaveLength(1)
  expect(await Bun.file(`${stem.folder}/err`).text()).toBe("")
})
