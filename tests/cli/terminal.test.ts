import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, STEM_LINE, STORES, type Stem } from "./stem.ts"

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  beforeAll(async () => {
    stem = await makeStem(store)
  })
  afterAll(() => stem.remove())

  /** Runs Stem on a terminal of its own, with these keys typed; what it shows comes back as one text. */
  async function onTerminal(line: string, keys = ""): Promise<{ code: number; shown: string }> {
    const child = Bun.spawn(["script", "-qec", `${STEM_LINE} ${line}`, "/dev/null"], {
      cwd: stem.folder,
      env: {
        PATH: process.env.PATH,
        HOME: stem.folder,
        TERM: "xterm",
        ...stem.env,
      },
      stdin: new TextEncoder().encode(keys),
      stdout: "pipe",
      stderr: "ignore",
    })
    const [shown, code] = await Promise.all([child.stdout.text(), child.exited])
    return { code, shown }
  }

  const put = (count: number) =>
    stem.run(["enqueue", "--file", "-"], { stdin: '{"task":"x"}\n'.repeat(count) })
  const ready = async () => (await stem.json(["inspect"])).totals.ready

  test("a terminal is asked before something that can not be undone", async () => {
    await put(2)
    const no = await onTerminal("queue purge default", "n\n")
    expect(no.code).toBe(1)
    expect(no.shown).toContain("Cancel 2 waiting tasks of queue default? [y/N]")
    expect(no.shown).toContain("Nothing was done.")
    expect(await ready()).toBe(2)
    const yes = await onTerminal("queue purge default", "y\n")
    expect(yes.code).toBe(0)
    expect(await ready()).toBe(0)
  })

  test("progress is shown on a terminal only", async () => {
    await stem.write("jobs.ndjson", '{"task":"x"}\n'.repeat(2000))
    expect((await onTerminal("enqueue --file jobs.ndjson")).shown).toMatch(/\d tasks, [\d,]+ a second/)
    expect((await stem.run(["enqueue", "--file", "jobs.ndjson"])).err).toBe("2000 accepted\n")
  })

  test("--watch draws in the same place on a terminal", async () => {
    const child = Bun.spawn(
      ["timeout", "2", "script", "-qec", `${STEM_LINE} inspect queues --watch=100ms`, "/dev/null"],
      {
        env: { PATH: process.env.PATH, TERM: "xterm", ...stem.env },
        stdio: ["ignore", "pipe", "ignore"],
      },
    )
    expect((await child.stdout.text()).split("\u001b[2J").length).toBeGreaterThan(2)
  })

  test("the worker's log is pretty on a terminal", async () => {
    await stem.write("t.ts", "export const x = () => 1\n")
    const { shown } = await onTerminal("worker t.ts --drain --isolates 1 --queues pretty")
    expect(shown).toMatch(/\d\d:\d\d:\d\d\S* \S*info/)
  })
})
