import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeStem, type Stem } from "./stem.ts"

const TOML = `
[routing]
"image.*" = { queue = "pictures", priority = 8 }
"nightly" = "slow"
"shell" = "commands"

[aliases]
pictures = "media"
`
const MODULE = `
import { connect, defineSchedule, defineTask } from "stem"
export const resize = defineTask({ name: "image.resize", queue: "own", priority: 1, run: (input) => input })
export const parent = defineTask({ name: "parent", run: async (input, ctx) =>
  [await ctx.enqueue(resize), await ctx.enqueue("image.crop", null, { queue: "here", priority: 0 })] })
export const nightly = defineTask({ name: "nightly", queue: "own", run: () => 1 })
export const often = defineSchedule({ task: nightly, every: "1h" })
export const special = defineSchedule({ task: nightly, every: "1h", queue: "exact" })
`
let stem: Stem
beforeAll(async () => {
  stem = await makeStem()
  await stem.write("stem.toml", TOML)
  await stem.write("tasks.ts", MODULE)
})
afterAll(() => stem.remove())

const where = async (id: string) => {
  const { queue } = await stem.json(["result", id])
  return queue
}

test("A rule of stem.toml decides where a task goes, and the sender's word wins", async () => {
  const send = async (...args: string[]) => (await stem.json(["enqueue", ...args])).queue
  expect(await send("image.crop")).toBe("media")
  expect(await send("image.resize", "--module", "tasks.ts")).toBe("media")
  expect(await send("image.crop", "--queue", "mine")).toBe("mine")
  expect(await send("other", "--queue", "pictures")).toBe("media")
  expect(await send("other")).toBe("default")
  const lines = [{ task: "image.a" }, { task: "image.b", queue: "mine" }, { task: "c" }]
  const file = lines.map((line) => JSON.stringify(line)).join("\n")
  const { out } = await stem.run(["enqueue", "--file", "-", "-o", "ndjson"], { stdin: file })
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).queue),
  ).toEqual(["media", "mine", "default"])
  const ran = await stem.run(["run", "-o", "json", "--", "true"])
  expect(JSON.parse(ran.out).queue).toBe("commands")
  const [first] = await stem.json(["inspect", "tasks", "--queue", "pictures", "--task", "image.crop"])
  expect(first).toMatchObject({ task: "image.crop", queue: "media" })
})

test("Routing holds for the children of tasks, for firings and for programs", async () => {
  await stem.run(["enqueue", "parent", "--id", "p"])
  const worker = stem.start(["worker", "tasks.ts", "--beat"])
  await worker.says('"often"')
  await worker.says('"special"')
  await worker.says("parent succeeded")
  expect(await Promise.all([where("p.1"), where("p.2")])).toEqual(["media", "here"])
  for (const [name, queue] of [
    ["often", "slow"],
    ["special", "exact"],
  ] as const) {
    const { id } = await stem.json(["schedule", "run", name])
    expect(await where(id)).toBe(queue)
  }
  worker.child.kill("SIGTERM")
  await worker.done
  await stem.write(
    "program.ts",
    `import { connect } from ${JSON.stringify(`${import.meta.dir}/../../src/index.ts`)}
    const one = await connect()
    const { queue } = await one.enqueue("image.program")
    const other = await connect(undefined, { routing: false })
    console.log(JSON.stringify([queue, (await other.enqueue("image.program")).queue]))
    await one.close()
    await other.close()`,
  )
  const program = Bun.spawn([process.execPath, "program.ts"], {
    cwd: stem.folder,
    env: { ...process.env, STEM_BROKER_URL: `sqlite:${stem.folder}/stem.db` },
    stdout: "pipe",
  })
  expect(JSON.parse(await program.stdout.text())).toEqual(["media", "default"])
}, 30_000)

test("A worker takes from the queues to which its tasks are routed, and understands aliases", async () => {
  const queuesOf = async (...flags: string[]) => {
    const worker = stem.start(["worker", "tasks.ts", ...flags])
    await worker.says("ready")
    worker.child.kill("SIGTERM")
    const [ready] = (await worker.done).err.trim().split("\n")
    return JSON.parse(ready as string).queues
  }
  expect(await queuesOf()).toEqual(["default", "media", "own", "slow"])
  expect(await queuesOf("--queues", "pictures,media,slow")).toEqual(["media", "slow"])
}, 30_000)

test("stem inspect routing tells where a task would go, and why", async () => {
  expect(await stem.json(["inspect", "routing", "image.resize", "--module", "tasks.ts"])).toEqual({
    ...{ task: "image.resize", queue: "media", priority: 8, priorityFrom: 'stem.toml: routing."image.*"' },
    queueFrom: 'stem.toml: routing."image.*"; "pictures" is another name of it (stem.toml: aliases.pictures)',
  })
  const { out } = await stem.run(["inspect", "routing", "parent", "--module", "tasks.ts", "--priority", "9"])
  expect(out).toContain("default  (the task's definition)")
  expect(out).toContain("9  (the sender)")
  expect(await stem.json(["inspect", "routing"])).toEqual([
    ...[
      { kind: "rule", name: "image.*", queue: "pictures", priority: 8, key: 'routing."image.*"' },
      { kind: "rule", name: "nightly", queue: "slow", priority: null, key: "routing.nightly" },
      { kind: "rule", name: "shell", queue: "commands", priority: null, key: "routing.shell" },
      { kind: "alias", name: "pictures", queue: "media", priority: null, key: "aliases.pictures" },
    ].map((row) => ({ ...row, file: "stem.toml" })),
  ])
  expect((await stem.run(["inspect", "routing", "a b"])).code).toBe(2)
  expect((await stem.run(["inspect", "routing", "--priority", "3"])).code).toBe(2)
})

test("stem config shows each rule and where it stands", async () => {
  const rows = await stem.json(["config"])
  expect(rows.slice(-4)).toEqual([
    ...[
      ['routing."image.*"', { queue: "pictures", priority: 8 }],
      ["routing.nightly", { queue: "slow" }],
      ["routing.shell", { queue: "commands" }],
      ["aliases.pictures", "media"],
    ].map(([key, value]) => ({ key, value, source: "file", origin: "stem.toml" })),
  ])
  expect((await stem.run(["config"])).out).toContain("queue=pictures,priority=8")
})

test("An alias pauses, resumes and purges the queue it means", async () => {
  expect((await stem.run(["queue", "pause", "pictures"])).err).toContain("queue media is paused")
  expect((await stem.run(["queue", "resume", "pictures"])).err).toContain("queue media goes on")
  expect((await stem.json(["queue", "purge", "pictures", "--dry-run"])).queue).toBe("media")
})

test("a rule that is none is refused with file and key, and nothing is done", async () => {
  const folder = `${stem.folder}/bad`
  await Bun.write(`${folder}/stem.toml`, '[routing]\n"image.*" = { qeue = "media" }\n')
  const { code, err } = await stem.run(["enqueue", "image.a"], { cwd: folder })
  expect(code).toBe(2)
  expect(err).toContain('stem.toml: routing."image.*": "qeue" is no field of a rule')
})
