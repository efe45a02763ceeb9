import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeStem, type Running, STORES, type Stem, TASKS } from "./stem.ts"

describe.each([...STORES])("on %s", (store) => {
  let stem: Stem
  let worker: Running
  beforeAll(async () => {
    stem = await makeStem(store)
    worker = stem.start(["worker", "--shell", "--queues", "default"])
    await worker.says('"ready"')
  })
  afterAll(async () => {
    worker.child.kill("SIGTERM")
    expect((await worker.done).code).toBe(0)
    await stem.remove()
  })

  const run = (...args: string[]) => stem.run(["run", ...args])
  /** A script that stays until the file is there. */
  const until = (file: string) => `until [ -e ${stem.folder}/${file} ]; do sleep 0.02; done`

  test("stem run prints the id, and the command runs", async () => {
    const { code, out } = await run("--id", "first", "--", "echo", "--wait", "$HOME")
    expect({ code, out }).toEqual({ code: 0, out: "first\n" })
    expect((await stem.json(["result", "first", "--wait"])).result.stdout).toBe("--wait $HOME\n")
  })

  test("stem run --wait gives the command's output and exit code", async () => {
    const script = "echo out; echo err >&2; exit 3"
    expect(await run("--wait", "--retries", "0", "--sh", "--", script)).toEqual({
      ...{ code: 3, out: "out\n", err: "err\n" },
    })
    expect(await run("--wait", "--", "true")).toEqual({ code: 0, out: "", err: "" })
    const killed = await run("--wait", "--retries", "0", "--sh", "--", "kill -KILL $$")
    expect(killed.code).toBe(137)
    expect(killed.err).toContain("killed by SIGKILL")
    const missing = await run("--wait", "--", "stem-no-such-program")
    expect(missing.code).toBe(127)
    expect(missing.err).toContain("stem-no-such-program was not found")
  }, 20_000)

  test("--wait=T gives up with 5, and the command goes on", async () => {
    const { code, err } = await run("--id", "slow", "--wait=100ms", "--sh", "--", until("slow"))
    expect(code).toBe(5)
    expect(err).toContain("stem logs -f slow")
    await stem.write("slow", "")
    expect((await stem.json(["result", "slow", "--wait"])).state).toBe("succeeded")
  }, 20_000)

  test("--logs shows the output while the command runs, and gives its exit code", async () => {
    const script = `echo one >&2; ${until("go")}; echo two; exit 9`
    const shown = stem.start(["run", "--logs", "--retries", "0", "--id", "logs", "--sh", "--", script])
    await shown.says("one\n")
    expect((await stem.json(["result", "logs"])).state).toBe("running")
    await stem.write("go", "")
    expect(await shown.done).toEqual({ code: 9, out: "two\n", err: "one\n" })
  }, 20_000)

  test("stem logs -f shows what another process runs, to its end", async () => {
    await run("--id", "f", "--sh", "--", `echo a; echo e >&2; ${until("f-go")}; echo b`)
    const follower = stem.start(["logs", "-f", "f"])
    await follower.says("e\n")
    await stem.write("f-go", "")
    expect(await follower.done).toEqual({ code: 0, out: "a\nb\n", err: "e\n" })
    expect(await stem.run(["logs", "f"])).toEqual({ code: 0, out: "a\nb\n", err: "e\n" })
  }, 20_000)

  test("stem logs shows the last attempt of what failed, and counts what is not kept", async () => {
    await run("--id", "big", "--retries", "0", "--sh", "--", "yes | head -c 100000; echo end; exit 1")
    await stem.run(["result", "big", "--wait"])
    const { code, out, err } = await stem.run(["logs", "big"])
    expect(code).toBe(0)
    expect(out).toHaveLength(16_384)
    expect(out).toEndWith("y\nend\n")
    expect(err).toContain(`${100_004 - 16_384} characters of stdout`)
    const { error } = await stem.json(["result", "big"])
    expect(error).toMatchObject({ code: "exit_1", exitCode: 1, output: { written: { stdout: 100_004 } } })
  }, 20_000)

  test("stem logs of no command, and of no task, says so", async () => {
    await stem.run(["enqueue", "hello", "--id", "plain", "--queue", "nobody"])
    expect(await stem.run(["logs", "plain"])).toMatchObject({ code: 1 })
    expect(await stem.run(["logs", "nothing"])).toMatchObject({ code: 3 })
  })

  test("folder, variables, stdin, umask and niceness are the command's", async () => {
    const flags = ["--cwd", "/", "--env", "A=b c", "--stdin", "-", "--umask", "027", "--nice", "5"]
    const script = 'pwd; cat; echo "$A"; umask; nice'
    const { out } = await stem.run(["run", "--wait", ...flags, "--sh", "--", script], { stdin: "given\n" })
    expect(out).toBe("/\ngiven\nb c\n0027\n5\n")
  })

  test("a cancelled command ends", async () => {
    await run("--id", "long", "--", "sleep", "100")
    while ((await stem.json(["result", "long"])).state !== "running") await Bun.sleep(20)
    await stem.run(["cancel", "long"])
    expect(await stem.run(["result", "long", "--wait"])).toMatchObject({ code: 4 })
    expect((await stem.json(["result", "long"])).state).toBe("cancelled")
  }, 20_000)

  test("what no worker could run is refused at once", async () => {
    for (const args of [
      ["--cwd", "here", "--", "true"],
      ["--env", "noequals", "--", "true"],
      ["--umask", "999", "--", "true"],
      ["--nice", "99", "--", "true"],
      ["--user", "-x", "--", "true"],
      ["--", ""],
      ["--"],
    ])
      expect({ args, code: (await run(...args)).code }).toEqual({ args, code: 2 })
  }, 20_000)

  test("a worker without --shell does not know commands", async () => {
    await stem.write("tasks.ts", TASKS)
    await run(
      "--id",
      "refused",
      "--retries",
      "0",
      "--queue",
      "closed",
      "--",
      "touch",
      `${stem.folder}/touched`,
    )
    await stem.drain("tasks.ts", "--queues", "closed")
    expect((await stem.json(["result", "refused"])).error).toMatchObject({ code: "unknown_task" })
    expect(await Bun.file(`${stem.folder}/touched`).exists()).toBeFalse()
    const { code, err } = await run("--id", "refused", "--wait", "--", "true")
    expect(code).toBe(4)
    expect(err).toContain("--shell")
  }, 20_000)

  test("a worker with --shell-allow runs what it names and buries the rest", async () => {
    await run("--id", "yes", "--queue", "narrow", "--", "echo", "yes")
    await run("--id", "no", "--queue", "narrow", "--", "touch", `${stem.folder}/touched`)
    const flags = ["--queues", "narrow", "--shell", "--shell-allow", "/bin/echo", "--shell-allow", "/opt/x/*"]
    await stem.drain("tasks.ts", ...flags)
    expect((await stem.json(["result", "yes"])).result.stdout).toBe("yes\n")
    const { state, attempt, error } = await stem.json(["result", "no"])
    expect({ state, attempt, code: error.code }).toEqual({ state: "failed", attempt: 1, code: "not_allowed" })
    expect((await stem.json(["dlq", "list"])).map(({ id }: { id: string }) => id)).toContain("no")
  }, 20_000)

  test("--shell-allow alone, and patterns that are no paths, are refused", async () => {
    for (const flags of [
      ["--shell-allow", "/bin/echo"],
      ["--shell", "--shell-allow", "echo"],
    ])
      expect(await stem.run(["worker", ...flags])).toMatchObject({ code: 2 })
    expect(await stem.run(["worker", "--shell"], { env: { STEM_SHELL_ALLOW: "echo" } })).toMatchObject({
      code: 2,
    })
  })

  test("a module that defines the task shell is refused beside --shell", async () => {
    const module = await stem.write("shell.ts", "export const shell = () => 1\n")
    const { code, err } = await stem.run(["worker", module, "--shell"])
    expect(code).toBe(2)
    expect(err).toContain("shell.ts#shell")
  })

  test("stem.toml lets a worker run commands without any TypeScript", async () => {
    const other = await makeStem(store)
    try {
      await other.write("stem.toml", '[worker]\nshell = true\nshell-allow = ["/bin/echo", "/usr/bin/echo"]\n')
      await other.run(["run", "--id", "a", "--", "echo", "hi"])
      await other.run(["worker", "--drain"])
      expect((await other.json(["result", "a"])).result.stdout).toBe("hi\n")
    } finally {
      await other.remove()
    }
  }, 20_000)
})
