import { afterAll, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, rmSync } from "node:fs"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeEach(async () => {
    await stem?.remove()
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  const enqueue = async (...args: string[]) => (await stem.run(["enqueue", ...args])).out.trim()
  const dead = async (...args: string[]) => {
    const { out } = await stem.run(["dlq", "list", ...args, "-o", "name"])
    return out === "" ? [] : out.trimEnd().split("\n")
  }
  async function die(count: number, task = "mended", ...args: string[]): Promise<string[]> {
    const lines = Array.from({ length: count }, (_, at) =>
      JSON.stringify({ task, id: `${task}-${at}`, input: { id: at } }),
    )
    await stem.run(["enqueue", "--file", "-", ...args], { stdin: lines.join("\n") })
    await stem.drain()
    return lines.map((_, at) => `${task}-${at}`)
  }

  test("Dead letters are found by task, queue, error text and time", async () => {
    await die(2, "boom")
    await die(1, "mended", "--queue", "special")
    expect(await stem.json(["dlq", "list", "--task", "mended"])).toEqual([
      {
        ...{ id: "mended-0", task: "mended", queue: "special", attempts: 1, diedAt: expect.any(String) },
        error: { name: "Error", message: "not mended", code: null, stack: expect.any(String) },
        input: { id: 0 },
      },
    ])
    expect((await dead("--task", "boom")).sort()).toEqual(["boom-0", "boom-1"])
    expect(await dead("--queue", "special")).toEqual(["mended-0"])
    expect((await dead("--error", "enoent")).sort()).toEqual(["boom-0", "boom-1"])
    expect(await dead("--since", "1h")).toHaveLength(3)
    expect(await dead("--until", "1h")).toEqual([])
    expect(await dead("--limit", "2")).toHaveLength(2)
    expect(await stem.json(["dlq", "show", "mended-0"])).toMatchObject({
      id: "mended-0",
      headers: {},
      replays: [],
    })
    expect((await stem.run(["dlq", "show", "boom-1"])).out).toMatch(
      /^error +ENOENT: no such file: 'a-1\.png'$/m,
    )
  })

  test("Dead letters are grouped by what went wrong", async () => {
    await die(1000, "boom")
    await die(2, "mended")
    const groups = await stem.json(["dlq", "list", "--group"])
    expect(groups).toHaveLength(2)
    expect(groups[0]).toMatchObject({
      ...{ count: 1000, task: "boom", fingerprint: "boom ENOENT: no such file: #" },
      example: expect.stringMatching(/^boom-/),
    })
    expect(groups[1]).toMatchObject({ count: 2, task: "mended" })
    const table = await stem.run(["dlq", "list", "--group"])
    expect(table.out.trimEnd().split("\n")).toHaveLength(3)
  }, 30_000)

  test("A replay keeps the id, counts attempts anew and leaves a trail", async () => {
    const [id] = (await die(1)) as [string]
    await stem.write("mended", "")
    const { code, out, err } = await stem.run(["dlq", "replay", id, "-o", "name"])
    expect({ code, out, err }).toEqual({
      code: 0,
      out: `${id}\n`,
      err: "1 of 1 dead letters were replayed\n",
    })
    await stem.drain()
    expect(await stem.json(["result", id])).toMatchObject({
      ...{ id, state: "succeeded", attempt: 1, result: 1 },
      replays: [{ at: expect.any(String), diedAt: expect.any(String), error: "not mended" }],
    })
    expect((await stem.run(["result", id])).out).toMatch(/^replayed .*not mended$/m)
    expect(await dead()).toEqual([])
  })

  test("A replay can change the input", async () => {
    const [id] = (await die(1)) as [string]
    const editor = await stem.write("editor.sh", '#!/bin/sh\nprintf \'{"id":"edited"}\' > "$2"\n')
    chmodSync(editor, 0o755)
    const edit = (env: Record<string, string | undefined>, ...args: string[]) =>
      stem.run(["dlq", "replay", ...args, "--edit"], { env })
    expect((await edit({ EDITOR: undefined, VISUAL: undefined }, id)).code).toBe(2)
    expect((await edit({ EDITOR: "true" }, id)).err).toContain("Nothing was changed")
    expect((await edit({ EDITOR: "false" }, id)).code).toBe(1)
    const broken = await edit({ EDITOR: "echo oops >" }, id)
    expect(broken.code).toBe(2)
    expect(broken.err).toContain("is not JSON: line 1, column 1")
    expect((await edit({ EDITOR: "true" }, id, "other")).code).toBe(2)
    expect(await dead()).toEqual([id])
    // Editors may be named with arguments, and VISUAL goes first.
    expect((await edit({ VISUAL: `${editor} --wait`, EDITOR: "false" }, id)).code).toBe(0)
    expect((await stem.json(["result", id])).input).toEqual({ id: "edited" })
  })

  test("A dry run shows what would be replayed and changes nothing", async () => {
    const ids = await die(3)
    const replay = await stem.run(["dlq", "replay", "--all", "--dry-run", "-o", "name"])
    expect(replay.code).toBe(0)
    expect(replay.out.trimEnd().split("\n").sort()).toEqual(ids)
    expect(replay.err).toBe("3 dead letters would be replayed\n")
    const purge = await stem.run(["dlq", "purge", "--task", "mended", "--dry-run"])
    expect(purge).toEqual({ code: 0, out: "3\n", err: "3 dead letters would be forgotten\n" })
    expect((await dead()).sort()).toEqual(ids)
  })

  test("A canary goes first and stops the replay when it fails", async () => {
    const ids = await die(5)
    const replay = () => stem.run(["dlq", "replay", "--all", "--yes", "--canary", "1", "-o", "name"])
    const worker = stem.start(["worker", "tasks.ts", "--isolates", "1"])
    const failed = await replay()
    expect(failed.code).toBe(1)
    expect(failed.out.trimEnd().split("\n")).toHaveLength(1)
    expect(failed.err).toContain("1 of 1 ended failed again: Error: not mended")
    expect((await dead()).sort()).toEqual(ids)
    await stem.write("mended", "")
    const good = await replay()
    expect(good.code).toBe(0)
    expect(good.out.trimEnd().split("\n").sort()).toEqual(ids)
    for (const id of ids) expect((await stem.run(["result", id, "--wait=10s"])).code).toBe(0)
    worker.child.kill("SIGTERM")
    await worker.done
    rmSync(`${stem.folder}/mended`)
  }, 30_000)

  test("Purged dead letters are gone and their statuses stay", async () => {
    const ids = (await die(3)) as [string, string, string]
    expect((await stem.run(["dlq", "purge", ids[0]])).code).toBe(0)
    expect(await stem.json(["dlq", "purge", "--all", "--yes"])).toEqual({ purged: 2, dryRun: false })
    expect((await stem.run(["dlq", "list"])).err).toBe("There are no dead letters.\n")
    for (const id of ids)
      expect(await stem.json(["result", id])).toMatchObject({
        state: "failed",
        error: { message: "not mended" },
      })
  })

  test("more dead letters than one page holds are each replayed once, and --rate spreads them out", async () => {
    const ids = await die(1200)
    const began = Date.now()
    const { code, out } = await stem.run([
      "dlq",
      "replay",
      "--all",
      "--yes",
      "--rate",
      "1200/h",
      "-o",
      "name",
    ])
    expect(code).toBe(0)
    expect(out.trimEnd().split("\n").sort()).toEqual([...ids].sort())
    const dues = ((await stem.json(["inspect", "tasks", "--limit", "2000"])) as { dueAt: string }[])
      .map(({ dueAt }) => Date.parse(dueAt))
      .sort((a, b) => a - b)
    expect(dues).toHaveLength(1200)
    // One every three seconds.
    expect((dues.at(-1) as number) - (dues[0] as number)).toBe(1199 * 3000)
    expect(dues[0]).toBeGreaterThanOrEqual(began)
  }, 60_000)

  test("bulk verbs refuse to guess", async () => {
    const ids = await die(1)
    for (const verb of ["replay", "purge"]) {
      const nothing = await stem.run(["dlq", verb])
      expect(nothing.code).toBe(2)
      expect(nothing.err).toContain(
        `which dead letters are to be ${verb === "purge" ? "purged" : "replayed"}?`,
      )
      expect((await stem.run(["dlq", verb, "x", "--all"])).code).toBe(2)
      const unsure = await stem.run(["dlq", verb, "--all"])
      expect(unsure).toMatchObject({ code: 2, out: "" })
      expect(unsure.err).toContain("Give --yes to go on.")
    }
    for (const rate of ["50", "0/s", "fast"])
      expect((await stem.run(["dlq", "replay", "--all", "--yes", "--rate", rate])).code).toBe(2)
    expect((await stem.run(["dlq", "replay", "--all", "--yes", "--canary", "0"])).code).toBe(2)
    expect(await dead()).toEqual(ids)
    expect(await enqueue("echo")).not.toBe("")
  })
})
