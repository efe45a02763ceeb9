import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { stemCommand } from "../support/executable.ts"
import { openNotifySocket } from "../support/notify-socket.ts"
import { makeStem, STORES, type Stem, TASKS } from "./stem.ts"

let stem: Stem

describe.each([...STORES])("on %s", (store) => {
  beforeAll(async () => {
    stem = await makeStem(store)
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("a worker tells its service manager that it is ready, alive, reloading and stopping", async () => {
    using socket = openNotifySocket(`${stem.folder}/notify`)
    const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "7000000" }
    const worker = stem.start(["worker", "tasks.ts", "--isolates", "1", "--shell"], { env })
    await socket.heard("READY=1")
    expect(socket.lines).toEqual(["READY=1"])
    await socket.heard("WATCHDOG=1")
    worker.child.kill("SIGHUP")
    await socket.heard("READY=1", 2)
    // What it runs can not speak for it.
    const { out } = await stem.run(["run", "--wait", "--", "env"])
    expect(out).toContain("STEM_TASK_ID=")
    expect(out).not.toContain("NOTIFY_SOCKET")
    worker.child.kill("SIGTERM")
    await socket.heard("STOPPING=1")
    expect((await worker.done).code).toBe(0)
    expect(socket.lines.filter((line) => line !== "WATCHDOG=1")).toEqual([
      "READY=1",
      "RELOADING=1",
      "READY=1",
      "STOPPING=1",
    ])
  }, 20_000)
})

describe("where no server is asked", () => {
  beforeAll(async () => {
    stem = await makeStem()
    await stem.write("tasks.ts", TASKS)
  })
  afterAll(() => stem.remove())

  test("stem worker --systemd prints a unit for the same command line, and starts nothing", async () => {
    const flags = ["--queues", "a,b", "--grace", "45s", "--shell", "--shell-allow", "/opt/jobs/*"]
    const { code, out, err } = await stem.run(["worker", "tasks.ts", ...flags, "--systemd"])
    expect({ code, err }).toEqual({ code: 0, err: "" })
    const line = 'worker --queues=a,b --grace=45s --shell "--shell-allow=/opt/jobs/*" tasks.ts'
    expect(out.split("\n")).toContain(`ExecStart=${stemCommand().join(" ")} ${line}`)
    expect(out).toContain(`WorkingDirectory=${stem.folder}\n`)
    expect(out).toContain("TimeoutStopSec=75\n")
    expect(out).not.toContain("--systemd")
    expect((await stem.json(["inspect", "workers"])).length).toBe(0)
  })

  test("stem beat tells its service manager that it is ready, alive, reloading and stopping", async () => {
    using socket = openNotifySocket(`${stem.folder}/beat-notify`)
    const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "7000000" }
    const beat = stem.start(["beat"], { env })
    await socket.heard("READY=1")
    await socket.heard("WATCHDOG=1")
    beat.child.kill("SIGHUP")
    await socket.heard("READY=1", 2)
    beat.child.kill("SIGTERM")
    await socket.heard("STOPPING=1")
    expect((await beat.done).code).toBe(0)
    expect(socket.lines.filter((line) => line !== "WATCHDOG=1")).toEqual([
      "READY=1",
      "RELOADING=1",
      "READY=1",
      "STOPPING=1",
    ])
  }, 20_000)

  test("stem beat --systemd prints a unit for the same command line, without the password of a store", async () => {
    const flags = ["--name", "clock", "--schedules", "redis://:secret@queue.internal/0"]
    const { code, out, err } = await stem.run(["beat", "tasks.ts", ...flags, "--systemd"])
    expect({ code, err }).toEqual({ code: 0, err: "" })
    expect(out.split("\n")).toContain(`ExecStart=${stemCommand().join(" ")} beat --name=clock tasks.ts`)
    expect(out).toContain("Type=notify\n")
    expect(out).toContain("WatchdogSec=30\n")
    expect(out).toContain("Environment=STEM_SCHEDULE_STORE_URL_FILE=%d/stem-schedule-store-url\n")
    expect(out).not.toContain("secret")
  })
})
