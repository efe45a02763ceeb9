import { expect, test } from "bun:test"
import { untilGone } from "../runtime/pool.ts"
import { stemCommand } from "../support/executable.ts"
import { moduleFolder } from "../support/module-folder.ts"
import { openNotifySocket } from "../support/notify-socket.ts"
import { bareEnv, stem } from "./stem.ts"

test("the executable runs commands, speaks to systemd, and leaves nothing behind when it is killed", async () => {
  using folder = moduleFolder({})
  using socket = openNotifySocket(folder.file("notify"))
  const worker = Bun.spawn([...stemCommand(), "worker", "--shell"], {
    cwd: folder.path,
    env: { ...bareEnv(folder), NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "7000000" },
    stdio: ["ignore", "ignore", "ignore"],
  })
  await socket.heard("READY=1")
  await socket.heard("WATCHDOG=1")
  const script = "echo out; echo err >&2; exit 3"
  expect(await stem(folder, ["run", "--wait", "--retries", "0", "--sh", "--", script])).toEqual({
    ...{ code: 3, out: "out\n", err: "err\n" },
  })

  await stem(folder, [
    "run",
    "--sh",
    "--",
    "setsid sh -c 'echo $$ > daemon.new; mv daemon.new daemon; exec sleep 100' & sleep 100",
  ])
  const daemon = Bun.file(folder.file("daemon"))
  while (!(await daemon.exists())) await Bun.sleep(5)
  const pid = Number(await daemon.text())
  worker.kill("SIGKILL")
  await worker.exited
  await untilGone(pid)
}, 20_000)

test("the unit that the executable prints starts the executable itself", async () => {
  using folder = moduleFolder({})
  const { code, out } = await stem(folder, ["worker", "--shell", "--systemd"])
  expect(code).toBe(0)
  expect(out).toContain(`ExecStart=${stemCommand().join(" ")} worker --shell\n`)
})
