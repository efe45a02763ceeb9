import { expect, test } from "bun:test"
import type { ShellFailure } from "../../../../src/core/task/shell.ts"
import { outcomeOf, refusedOutcome, withOutput } from "../../../../src/runtime/shell/outcome.ts"

const outputOf = (stderr = "") => ({
  ...{ stdout: "", stderr },
  written: { stdout: 0, stderr: stderr.length },
})
const exited = (code: number, stderr?: string) =>
  ({ kind: "ended", code, signal: null, output: outputOf(stderr) }) as const
const killed = (signal: string) => ({ kind: "ended", code: null, signal, output: outputOf() }) as const

test.each([
  [1, undefined, "exit code 1"],
  [2, undefined, "exit code 2"],
  [64, true, "exit code 64 (wrong usage)"],
  [65, true, "exit code 65 (bad data)"],
  [66, undefined, "exit code 66"],
  [75, undefined, "exit code 75 (a temporary failure)"],
  [125, undefined, "exit code 125"],
  [126, true, "exit code 126 (it can not be executed)"],
  [127, true, "exit code 127 (not found)"],
  [137, undefined, "exit code 137"],
  [255, undefined, "exit code 255"],
])("exit code %d: final %p", (code, final, message) => {
  const outcome = outcomeOf(exited(code), "job")
  expect(outcome).toMatchObject({
    kind: "failed",
    error: { name: "CommandFailed", code: `exit_${code}`, exitCode: code, message: `job: ${message}` },
    names: ["CommandFailed"],
  })
  expect((outcome as { final?: boolean }).final).toBe(final)
})

test("0 succeeds, even when the soft limit had passed", () => {
  const result = { exitCode: 0, ...outputOf("said"), truncated: false }
  expect(outcomeOf(exited(0, "said"), "job")).toEqual({ kind: "succeeded", result })
  expect(outcomeOf(exited(0, "said"), "job", 50)).toEqual({ kind: "succeeded", result })
})

test("a signal is named, and never final", () => {
  for (const signal of ["SIGTERM", "SIGKILL", "SIGSEGV"]) {
    const error = {
      name: "CommandKilled",
      code: `signal_${signal}`,
      signal,
      message: `job: killed by ${signal}`,
    }
    expect(outcomeOf(killed(signal), "job")).toMatchObject({ kind: "failed", error })
    expect(outcomeOf(killed(signal), "job")).not.toHaveProperty("final")
  }
})

test("what the soft limit ended says so", () => {
  const error = {
    code: "soft_time_limit",
    message: "job: the soft time limit of 50 ms has passed: killed by SIGTERM",
  }
  expect(outcomeOf(killed("SIGTERM"), "job", 50)).toMatchObject({ error })
})

test("the last line of stderr is in the message, cut where it is long", () => {
  expect(outcomeOf(exited(3, "one\ntwo\n\n"), "job")).toMatchObject({
    error: { message: "job: exit code 3: two" },
  })
  const { error } = outcomeOf(exited(3, "x".repeat(9999)), "job") as { error: ShellFailure }
  expect(error.message.length).toBeLessThan(330)
})

test.each([
  ["not_found", true],
  ["not_allowed", true],
  ["EACCES", true],
  ["ENOEXEC", true],
  ["EAGAIN", false],
  ["ENOMEM", false],
  ["ETXTBSY", false],
])("a command refused by %s: final %p", (code, final) => {
  expect(refusedOutcome({ kind: "refused", code, message: "m" })).toMatchObject({
    ...{ kind: "failed", final },
    error: { name: "CommandRefused", code, message: "m" },
  })
})

test("only a failure is given the output", () => {
  const failed = { kind: "failed", error: { name: "HardTimeLimit", message: "m" } } as const
  expect(withOutput(failed, outputOf("said"))).toMatchObject({ error: { output: { stderr: "said" } } })
  expect(withOutput({ kind: "cancelled" }, outputOf("said"))).toEqual({ kind: "cancelled" })
})
