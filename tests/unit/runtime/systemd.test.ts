import { expect, test } from "bun:test"
import { serviceManager } from "../../../src/runtime/systemd.ts"
import { moduleFolder } from "../../support/module-folder.ts"
import { openNotifySocket } from "../../support/notify-socket.ts"

test("a service manager hears by path and by abstract name", () => {
  using folder = moduleFolder({})
  for (const path of [folder.file("notify"), `@stem-test-${process.pid}`]) {
    using socket = openNotifySocket(path)
    const manager = serviceManager({ NOTIFY_SOCKET: path })
    manager?.ready()
    manager?.reloading()
    manager?.stopping()
    expect(socket.lines).toEqual(["READY=1", "RELOADING=1", "STOPPING=1"])
  }
})

test("what the process starts does not speak for the service", () => {
  const env = { NOTIFY_SOCKET: "/run/none", WATCHDOG_USEC: "1", WATCHDOG_PID: "1", KEPT: "yes" }
  serviceManager(env)
  expect(env).toEqual({ KEPT: "yes" } as typeof env)
})

test("without a socket there is no manager, and one that is gone harms nobody", () => {
  expect(serviceManager({})).toBeUndefined()
  expect(serviceManager({ NOTIFY_SOCKET: "relative" })).toBeUndefined()
  expect(serviceManager({ NOTIFY_SOCKET: `/${"x".repeat(200)}` })).toBeUndefined()
  serviceManager({ NOTIFY_SOCKET: "/no/such/socket" })?.ready()
})

test("the watchdog is answered by progress, and not without", async () => {
  using folder = moduleFolder({})
  using socket = openNotifySocket(folder.file("notify"))
  const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "40000", WATCHDOG_PID: String(process.pid) }
  const manager = serviceManager(env)
  let progressAt = performance.now()
  let asked = 0
  const stop = manager?.watch(() => {
    asked += 1
    return progressAt
  })
  await socket.heard("WATCHDOG=1")
  progressAt = performance.now() - 1000
  const before = socket.lines.length
  const askedBefore = asked
  while (asked < askedBefore + 5) await Bun.sleep(5)
  expect(socket.lines.length).toBe(before)
  progressAt = Number.POSITIVE_INFINITY
  await socket.heard("WATCHDOG=1", before + 1)
  stop?.()
})

test("another process's watchdog is not answered", () => {
  using folder = moduleFolder({})
  using socket = openNotifySocket(folder.file("notify"))
  const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" }
  let asked = false
  serviceManager(env)?.watch(() => {
    asked = true
    return 0
  })()
  expect(asked).toBeFalse()
})
