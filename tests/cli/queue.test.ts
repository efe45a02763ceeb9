import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  const enqueue = async (...args: string[]) => (await stem.run(["enqueue", ...args])).out.trim()
  const stateOf = async (id: string) => (await stem.json(["result", id])).state

  test("A paused queue gives nothing until it is resumed", async () => {
    const id = await enqueue("add", "a=1", "b=1", "--queue", "special")
    expect(await stem.run(["queue", "pause", "special"])).toEqual({
      code: 0,
      out: "",
      err: "queue special is paused\n",
    })
    expect((await stem.run(["queue", "pause", "special"])).err).toBe("queue special was paused already\n")
    await stem.drain()
    expect(await stateOf(id)).toBe("queued")
    expect((await stem.run(["queue", "resume", "special"])).err).toBe("queue special goes on\n")
    expect((await stem.run(["queue", "resume", "special"])).err).toBe("queue special was not paused\n")
    await stem.drain()
    expect(await stateOf(id)).toBe("succeeded")
  })

  test("a purge cancels what waits, tells first with --dry-run, and needs --yes without a terminal", async () => {
    const ids = await Promise.all([1, 2, 3].map(() => enqueue("add", "--queue", "full")))
    const dry = await stem.run(["queue", "purge", "full", "--dry-run"])
    expect(dry).toEqual({ code: 0, out: "3\n", err: "3 waiting tasks of queue full would be cancelled\n" })
    const unsure = await stem.run(["queue", "purge", "full"])
    expect(unsure).toMatchObject({ code: 2, out: "" })
    expect(unsure.err).toContain("Give --yes to go on.")
    expect(await stateOf(ids[0] as string)).toBe("queued")
    expect(await stem.json(["queue", "purge", "full", "--yes"])).toEqual({
      queue: "full",
      cancelled: 3,
      dryRun: false,
    })
    for (const id of ids) expect(await stateOf(id)).toBe("cancelled")
    expect((await stem.run(["queue", "purge", "no spaces", "--yes"])).code).toBe(2)
  })
})
