import { expect, test } from "bun:test"
import { listenForSignals, type StopSignal } from "../../../src/runtime/signals.ts"

/** Resolves after the process has been given the signal. */
const received = (signal: NodeJS.Signals) =>
  new Promise<void>((resolve) => {
    process.once(signal, () => resolve())
    process.kill(process.pid, signal)
  })

test("stop signals are counted together, a hangup reloads, and both end with the listening", async () => {
  const heard: (readonly [StopSignal, number] | "reload")[] = []
  const before = process.listenerCount("SIGTERM")
  const dispose = listenForSignals({
    stop: (signal, count) => heard.push([signal, count]),
    reload: () => heard.push("reload"),
  })
  await received("SIGTERM")
  await received("SIGHUP")
  await received("SIGINT")
  dispose()
  await received("SIGTERM")
  expect(heard).toEqual([["SIGTERM", 1], "reload", ["SIGINT", 2]])
  expect(process.listenerCount("SIGTERM")).toBe(before)
})
