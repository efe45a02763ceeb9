/** What a task's sender was promised, seen from outside: the executable, a module, a file of tasks. */
import { afterEach, beforeEach, expect, test } from "bun:test"
import { appendFileSync } from "node:fs"
import { type ModuleFolder, moduleFolder } from "../support/module-folder.ts"
import { startStem, stem } from "./stem.ts"

/** Every run leaves a line in `runs`, so that what happened is told by what was done. */
const TASKS = `
import { appendFileSync } from "node:fs"
import { defineTask } from "stem"
const note = (line) => appendFileSync(import.meta.dir + "/runs", JSON.stringify(line) + "\\n")
const backoff = { kind: "fixed", base: "20ms" }

export const broken = defineTask({ retries: 2, backoff, run: (_input, { attempt }) => {
  note({ attempt })
  throw new Error("broken")
} })
export const second = defineTask({ retries: 3, backoff, run: (input, { id, idempotencyKey, attempt }) => {
  note({ id, input, idempotencyKey, attempt })
  if (attempt < 2) throw new Error("not yet")
} })
export const picky = defineTask({ retries: 1, backoff, retryOn: ["EBUSY"], run: ({ code }, { attempt }) => {
  note({ code, attempt })
  throw Object.assign(new Error("failed"), { code })
} })
export const noted = (input) => note(input)
export async function overlapping() {
  note("+")
  await Bun.sleep(10)
  note("-")
}
`

let folder: ModuleFolder
beforeEach(() => {
  folder = moduleFolder({ "tasks.ts": TASKS, runs: "" })
})
afterEach(() => folder[Symbol.dispose]())

const put = async (...args: string[]) => {
  const { code, out, err } = await stem(folder, ["enqueue", ...args])
  expect({ code, err }).toEqual({ code: 0, err })
  return out.trim()
}
const drain = async (...args: string[]) => {
  const { code, err } = await stem(folder, ["worker", folder.file("tasks.ts"), "--drain", ...args])
  expect({ code, err }).toEqual({ code: 0, err })
}
const json = async (...args: string[]) => JSON.parse((await stem(folder, [...args, "-o", "json"])).out)
const runs = async () =>
  (await Bun.file(folder.file("runs")).text())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

test("A task that fails is tried again until its retries are used up", async () => {
  const id = await put("broken")
  await drain("--isolates", "1")
  expect(await runs()).toEqual([{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }])
  expect(await json("result", id)).toMatchObject({
    state: "failed",
    attempt: 3,
    error: { message: "broken" },
  })
})

test("A retried task keeps its id, its input and its idempotency key", async () => {
  const id = await put("second", "n=7")
  await drain("--isolates", "1")
  const [first, second, ...more] = await runs()
  expect(more).toEqual([])
  expect(first).toMatchObject({ id, input: { n: 7 }, attempt: 1 })
  expect(first.idempotencyKey).toBeString()
  expect(second).toEqual({ ...first, attempt: 2 })
})

test("A task that succeeds after retries leaves no dead letter", async () => {
  const id = await put("second")
  await drain("--isolates", "1")
  expect(await json("result", id)).toMatchObject({ state: "succeeded", attempt: 2 })
  expect(await json("dlq", "list")).toEqual([])
})

test("Only errors on the retry list are retried", async () => {
  await put("picky", "code=EBUSY")
  await put("picky", "code=ENOENT")
  await drain("--isolates", "1")
  const attempts = (code: string, all: { code: string }[]) => all.filter((run) => run.code === code).length
  const all = await runs()
  expect([attempts("EBUSY", all), attempts("ENOENT", all)]).toEqual([2, 1])
})

test("An expired task never runs and says so", async () => {
  // Long enough for a busy machine to send it: what has expired before it is stored is refused.
  const id = await put("noted", "late=1", "--expires", "3s")
  const { expiresAt } = await json("inspect", "task", id)
  while (Date.now() <= Date.parse(expiresAt)) await Bun.sleep(20)
  await drain("--isolates", "1")
  expect(await json("result", id)).toMatchObject({ state: "expired", attempt: 0 })
  expect(await runs()).toEqual([])
})

test("No more tasks run at once than the concurrency allows", async () => {
  for (let count = 0; count < 100; count++) appendFileSync(folder.file("jobs"), '{"task":"overlapping"}\n')
  await put("--file", folder.file("jobs"), "-o", "name")
  await drain("--concurrency", "4", "--isolates", "2")
  let now = 0
  const atOnce = (await runs()).map((mark) => {
    now += mark === "+" ? 1 : -1
    return now
  })
  expect(atOnce).toHaveLength(200)
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(4)
})

test("An id is printed only after the task is stored", async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `{"task":"noted","input":${n}}\n`)
  appendFileSync(folder.file("jobs"), lines.join(""))
  const enqueue = startStem(folder, ["enqueue", "--file", folder.file("jobs"), "-o", "name"])
  let out = ""
  for await (const chunk of enqueue.stdout as unknown as AsyncIterable<Uint8Array>) {
    if (out === "") enqueue.kill("SIGKILL")
    out += new TextDecoder().decode(chunk)
  }
  const printed = out.slice(0, out.lastIndexOf("\n")).split("\n")
  const known = await stem(folder, ["inspect", "tasks", "--limit", "100000", "-o", "name"])
  const stored = new Set(known.out.split("\n"))
  expect(printed.length).toBeGreaterThan(0)
  expect(printed.filter((id) => !stored.has(id))).toEqual([])
  console.log(`printed ${printed.length} of ${lines.length} ids before the kill, stored ${stored.size - 1}`)
})

test("A delayed task starts within 250 ms of its time", async () => {
  const worker = startStem(folder, ["worker", folder.file("tasks.ts"), "--isolates", "1"])
  try {
    const lateness: number[] = []
    for (const delay of [300, 500, 700, 900, 1100]) {
      const id = await put("noted", "--delay", `${delay}ms`)
      const { code } = await stem(folder, ["result", id, "--wait=20s"])
      expect(code).toBe(0)
      const { enqueuedAt, startedAt } = await json("result", id)
      lateness.push(Date.parse(startedAt) - Date.parse(enqueuedAt) - delay)
    }
    console.log(`late by ${lateness.join(", ")} ms`)
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0)
    // One that is late may be the machine's fault, most are not.
    expect(lateness.toSorted((a, b) => a - b)[2]).toBeLessThanOrEqual(250)
  } finally {
    worker.kill("SIGTERM")
    await worker.exited
  }
})
