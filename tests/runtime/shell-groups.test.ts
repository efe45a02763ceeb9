import { expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { isAlive, untilGone } from "./pool.ts"
import { failureOf, MINDER, openShell, resultOf } from "./shell-desk.ts"

/** A shell, its child and its grandchild, none of which listens to TERM; their process ids in a file. */
const FAMILY = `trap "" TERM
sh -c 'sh -c "echo \\$\\$ >> pids; exec sleep 100" & echo $$ >> pids; wait; sleep 100' &
echo $$ >> pids
until [ $(wc -l < pids) = 3 ]; do sleep 0.01; done
`

/** A grandchild that leaves group and session, as daemons do. */
const DAEMON = `setsid sh -c 'echo $$ > daemon; exec sleep 100' > /dev/null 2>&1 < /dev/null &
until [ -s daemon ]; do sleep 0.01; done
`

/** Says so when all that is above has come about, and stays. */
const READY = "echo ready > ready; wait; sleep 100"

const pidsIn = (text: string) => text.trim().split("\n").map(Number)

/** Children of a process that have ended and that nobody has asked about. */
const zombiesOf = (parent: number) =>
  readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8")
      return /^State:\s+Z/m.test(status) && new RegExp(`^PPid:\\s+${parent}$`, "m").test(status)
    } catch {
      return false
    }
  })

test("the hard limit kills a command's whole group, grandchildren too", async () => {
  await using it = await openShell()
  const done = it.script(FAMILY + READY, { hardMs: 400 })
  await it.told("ready")
  const pids = pidsIn(await it.told("pids"))
  expect(await Promise.all(pids.map(isAlive))).toEqual([true, true, true])
  expect(failureOf(await done)).toMatchObject({ code: "hard_time_limit", final: false })
  await Promise.all(pids.map(untilGone))
})

test("the soft limit sends TERM to the whole group, and what is done about it counts", async () => {
  await using it = await openShell()
  const tidy = it.script("trap 'echo tidied; exit 0' TERM; echo up > ready; sleep 100 & wait", {
    softMs: 150,
  })
  expect(resultOf(await tidy).stdout).toBe("tidied\n")
  const dead = failureOf(await it.script("sleep 100; true", { softMs: 50 }))
  expect(dead).toMatchObject({ code: "soft_time_limit", signal: "SIGTERM" })
})

test("a cancelled command hears TERM, and a deaf one is killed on request", async () => {
  await using it = await openShell()
  const mild = it.script("echo up > ready; sleep 100; true", { id: "mild" })
  await it.told("ready")
  it.shell.abort("mild", 1, "cancelled")
  expect(failureOf(await mild).signal).toBe("SIGTERM")

  const deaf = it.script(FAMILY + READY.replace(/ready/g, "deaf"), { id: "deaf" })
  await it.told("deaf")
  it.shell.abort("deaf", 1, "cancelled")
  it.shell.terminate("deaf", 1)
  expect((await deaf).kind).toBe("cancelled")
  await Promise.all(pidsIn(await it.told("pids")).map(untilGone))
})

test("a command whose lease is lost is killed although it does not listen", async () => {
  await using it = await openShell()
  const done = it.script(FAMILY + READY, { id: "lost" })
  await it.told("ready")
  it.shell.abort("lost", 1, "lease_lost")
  expect((await done).kind).toBe("interrupted")
  await Promise.all(pidsIn(await it.told("pids")).map(untilGone))
})

test("stopping kills what runs and hands it back", async () => {
  const it = await openShell()
  const done = it.script(FAMILY + READY)
  await it.told("ready")
  const pids = pidsIn(await it.told("pids"))
  await it.shell.stop()
  expect((await done).kind).toBe("interrupted")
  await Promise.all(pids.map(untilGone))
  expect((await it.run(["true"])).kind).toBe("interrupted")
  await it[Symbol.asyncDispose]()
})

test("what a command leaves running in its group goes with it", async () => {
  await using it = await openShell()
  const result = resultOf(
    await it.script("sh -c 'echo $$ > left; exec sleep 100' & until [ -s left ]; do :; done; echo done"),
  )
  expect(result.stdout).toBe("done\n")
  await untilGone(Number(await it.told("left")))
})

test("a daemon outlives a command that ends by itself, and dies with one that is killed", async () => {
  await using free = await openShell()
  resultOf(await free.script(DAEMON))
  const left = Number(await free.told("daemon"))
  expect(await isAlive(left)).toBeTrue()
  process.kill(left, "SIGKILL")

  await using it = await openShell()
  const run = it.script(DAEMON + READY, { id: "x" })
  await it.told("ready")
  it.shell.terminate("x", 1)
  await run
  await untilGone(Number(await it.told("daemon")))
})

test("no zombie is left, neither of commands nor of their orphans", async () => {
  await using it = await openShell()
  for (let n = 0; n < 5; n++) resultOf(await it.script("(sleep 0.01 &); (true &); sleep 0.05"))
  expect(zombiesOf(process.pid)).toEqual([])
})

test("a killed worker takes its commands with it, grandchildren and daemons too", async () => {
  await using it = await openShell()
  const command = [process.execPath, join(import.meta.dir, "shell-worker.ts"), FAMILY + DAEMON + READY]
  const worker = Bun.spawn(command, { cwd: it.folder.path, stdio: ["ignore", "inherit", "inherit"] })
  await it.told("ready")
  const pids = [...pidsIn(await it.told("pids")), Number(await it.told("daemon"))]
  expect(await Promise.all(pids.map(isAlive))).toEqual([true, true, true, true])
  worker.kill("SIGKILL")
  await worker.exited
  await Promise.all(pids.map(untilGone))
})

test("a killed minder costs the attempt, and its command's group goes with it", async () => {
  await using it = await openShell()
  const done = it.script(`echo $PPID > minder; ${FAMILY}${READY}`)
  await it.told("ready")
  process.kill(Number(await it.told("minder")), "SIGKILL")
  expect(await done).toMatchObject({ kind: "lost", error: { code: "minder_lost" } })
  await Promise.all(pidsIn(await it.told("pids")).map(untilGone))
})

test("the hidden sub-command of minders refuses to run for anyone but a worker", async () => {
  const child = Bun.spawn([...MINDER], { stdio: ["ignore", "ignore", "pipe"] })
  expect(await child.exited).not.toBe(0)
  expect(await child.stderr.text()).toContain("not_for_people")
})
