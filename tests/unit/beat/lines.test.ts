import { expect, test } from "bun:test"
import { beatLine } from "../../../src/commands/beat/lines.ts"

test("a Beat is quiet about what it fires and what waits for its own tasks, and tells what was missed", () => {
  const skipped = (reason: string) =>
    beatLine({ kind: "schedule_skipped", schedule: "s", nominalAt: 0, reason }).level
  expect(skipped("the task of an earlier firing has not ended")).toBe("debug")
  expect(skipped("missed by more than the misfire window")).toBe("info")
  const fired = { schedule: "s", id: "s@1", task: "t", nominalAt: 0, latenessMs: 1 }
  expect(beatLine({ kind: "schedule_fired", ...fired }).level).toBe("debug")
  expect(beatLine({ kind: "schedule_paused", schedule: "s", reason: "3 failures" }).level).toBe("warn")
})
