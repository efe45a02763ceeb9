import { expect, test } from "bun:test"
import type { ShellInput } from "../../src/core/task/shell.ts"
import { jobOf } from "../support/job.ts"
import { failureOf, openShell, resultOf } from "./shell-desk.ts"

test("a command's output and exit code are its result", async () => {
  await using it = await openShell()
  const result = resultOf(await it.script("echo out; echo err >&2"))
  expect(result).toEqual({
    ...{ exitCode: 0, stdout: "out\n", stderr: "err\n", truncated: false },
    written: { stdout: 4, stderr: 4 },
  })
})

test("exit codes decide between another attempt and the end", async () => {
  await using it = await openShell()
  const final: number[] = []
  for (const code of [1, 3, 64, 65, 66, 75, 126, 127, 255]) {
    const failure = failureOf(await it.script(`echo "no luck" >&2; exit ${code}`))
    expect(failure).toMatchObject({ exitCode: code, code: `exit_${code}` })
    expect(failure.message).toEndWith("no luck")
    if (failure.final) final.push(code)
  }
  expect(final).toEqual([64, 65, 126, 127])
})

test("a command that a signal ends fails by its name", async () => {
  await using it = await openShell()
  for (const signal of ["SEGV", "KILL", "USR1"]) {
    const failure = failureOf(await it.script(`kill -${signal} $$`))
    expect(failure).toMatchObject({
      signal: `SIG${signal}`,
      message: `sh: killed by SIG${signal}`,
      final: false,
    })
  }
})

test("no shell reads a command's words", async () => {
  await using it = await openShell()
  const words = ["$HOME", "a b", "*", "; exit 3", "`id`", ""]
  expect(resultOf(await it.run(["printf", "%s|", ...words])).stdout).toBe(`${words.join("|")}|`)
  expect(resultOf(await it.run({ argv: ['echo "$1" | tr a-z A-Z', "up"], useShell: true })).stdout).toBe(
    "UP\n",
  )
})

test("what can not be started is final and says why", async () => {
  await using it = await openShell()
  it.folder.write("plain", "echo hi\n")
  const of = async (argv: string[], cwd = it.folder.path) => failureOf(await it.run({ argv, cwd }))
  expect(await of(["stem-no-such-program"])).toMatchObject({ code: "not_found", final: true })
  expect(await of(["./plain"])).toMatchObject({ code: "not_executable", final: true })
  expect(await of(["./missing"])).toMatchObject({ code: "not_found", final: true })
  expect(await of(["/bin/true"], "/no/such/folder")).toMatchObject({ code: "ENOENT", final: true })
  const nothing = await it.shell.run(jobOf("shell", { argv: [] }))
  expect(failureOf(nothing)).toMatchObject({ code: "invalid_input", final: true })
})

test("a command has its folder, variables, umask and niceness", async () => {
  await using it = await openShell({ env: { PATH: process.env.PATH, FROM_WORKER: "yes", LANG: "C" } })
  const result = await it.script('pwd; echo "$FROM_WORKER $MINE $LANG"; umask; nice', {
    input: { cwd: "/", env: { MINE: "a b", LANG: "POSIX" }, umask: "027", nice: 7 },
  })
  expect(resultOf(result).stdout).toBe("/\nyes a b POSIX\n0027\n7\n")
})

test("a command knows which run it is, and none of the worker's secrets", async () => {
  const secrets = { STEM_BROKER_URL: "redis://:hunter2@host", NOTIFY_SOCKET: "/run/n", STEM_SHELL: "true" }
  await using it = await openShell({ env: { PATH: process.env.PATH, ...secrets } })
  const { stdout } = resultOf(
    await it.run({ argv: ["env"], env: { STEM_TASK_ID: "forged" } }, { id: "t1", token: 7, attempt: 2 }),
  )
  const told = stdout.split("\n").filter((line) => /^(STEM|NOTIFY)/.test(line))
  expect(told.sort()).toEqual([
    "STEM_ATTEMPT=2",
    "STEM_HEADERS={}",
    "STEM_IDEMPOTENCY_KEY=t1",
    "STEM_MAX_ATTEMPTS=4",
    "STEM_QUEUE=default",
    "STEM_TASK_ID=t1",
    "STEM_TOKEN=7",
  ])
  const minder = resultOf(await it.script("tr '\\0' '\\n' < /proc/$PPID/environ"))
  expect(minder.stdout).not.toContain("hunter2")
})

test("stdin is a text as it is, JSON of anything else, and empty without one", async () => {
  await using it = await openShell()
  for (const [stdin, text] of [
    ["plain\ntext", "plain\ntext"],
    [{ a: [1] }, '{"a":[1]}'],
    [undefined, ""],
    ["x".repeat(300_000), "x".repeat(65_536)],
  ] as const)
    expect(resultOf(await it.run({ argv: ["cat"], stdin })).stdout).toBe(text)
  expect(resultOf(await it.run({ argv: ["true"], stdin: "x".repeat(300_000) })).exitCode).toBe(0)
})

test("of much output the end is kept, and it is said how much there was", async () => {
  await using it = await openShell()
  const result = resultOf(await it.script("yes 0123456789abcdef | head -c 30000000; echo; echo the end"))
  expect(result.truncated).toBeTrue()
  expect(result.written.stdout).toBe(30_000_009)
  expect(result.stdout).toHaveLength(65_536)
  expect(result.stdout).toEndWith("\nthe end\n")
})

test("output is told while the command runs", async () => {
  await using it = await openShell()
  const done = it.script("echo first; until [ -e go ]; do sleep 0.02; done; echo second", {
    attempt: 3,
    token: 9,
  })
  await it.until(() => it.progress.length > 0)
  expect(it.progress[0]).toMatchObject({
    token: 9,
    progress: { value: 6, data: { attempt: 3, stdout: "first\n", written: { stdout: 6, stderr: 0 } } },
  })
  it.folder.write("go", "")
  expect(resultOf(await done).stdout).toBe("first\nsecond\n")
})

test("only what the patterns name is run", async () => {
  await using it = await openShell({ allow: ["/bin/echo", "/opt/jobs/**"] })
  expect(resultOf(await it.run(["echo", "hi"])).stdout).toBe("hi\n")
  const others: ShellInput[] = [
    { argv: ["ls"] },
    { argv: ["echo hi"], useShell: true },
    { argv: ["/opt/jobs/../../bin/ls"] },
    { argv: ["echo"], env: { PATH: it.folder.path } },
    { argv: ["echo"], env: { LD_PRELOAD: "/tmp/evil.so" } },
  ]
  for (const input of others)
    expect(failureOf(await it.run(input))).toMatchObject({ code: "not_allowed", final: true })
})

const asRoot = process.getuid?.() === 0
test("a command runs as the user it names, or not at all", async () => {
  await using it = await openShell()
  const run = it.run({ argv: ["sh", "-c", 'id -un; echo "$USER $HOME"'], user: "nobody", cwd: "/" })
  if (asRoot) expect(resultOf(await run).stdout).toMatch(/^nobody\nnobody \//)
  else expect(failureOf(await run)).toMatchObject({ code: "not_root", final: true })
  const unknown = await it.run({ argv: ["id"], user: "stem-no-such-user" })
  expect(failureOf(unknown)).toMatchObject({ code: "no_such_user", final: true })
})
