import { expect } from "bun:test"
import { brokerQuestions, examineBroker } from "./broker.ts"
import { eventQuestions, examineEvents } from "./events.ts"
import { ask, type Candidate, type Questions, requireKnownLacks } from "./exam.ts"
import { groups } from "./groups.ts"
import { examineInspector, inspectorQuestions } from "./inspector.ts"
import { keys } from "./keys.ts"
import { examineLimits, limitQuestions } from "./limits.ts"
import { examineLocks, lockQuestions } from "./locks.ts"
import { notes } from "./notes.ts"
import { examineResults, resultQuestions } from "./results.ts"
import { examineSchedules, scheduleQuestions } from "./schedules.ts"
import { turns } from "./turns.ts"
import { examineWorkers, workerQuestions } from "./workers.ts"

const driverQuestions: Questions = {
  "an open store answers a ping": async ({ driver }) => {
    await driver.ping()
  },

  "a checkup finds things in sentences": async ({ driver }) => {
    for (const finding of await driver.checkup()) {
      expect(["ok", "warning", "problem"]).toContain(finding.level)
      expect(finding.subject).not.toBe("")
      expect(finding.message).not.toBe("")
      if (finding.level !== "ok") expect(finding.fix).toBeString()
    }
  },

  "close may be called twice, and pending calls end first": async ({ again, task, see }) => {
    const other = await again()
    const stored = other.broker.enqueue([task("a")])
    await Promise.all([other.close(), other.close()])
    expect(await stored).toMatchObject([{ kind: "stored" }])
    expect((await see("a"))?.state).toBe("queued")
  },
}

const flowQuestions = [groups, keys, turns, notes]

/** The whole exam. */
export function examine(candidate: Candidate): void {
  requireKnownLacks(candidate, [
    ...brokerQuestions,
    ...inspectorQuestions,
    ...[resultQuestions, workerQuestions, driverQuestions, eventQuestions],
    ...scheduleQuestions,
    ...flowQuestions,
    ...[limitQuestions, lockQuestions],
  ])
  ask(candidate, "driver", driverQuestions)
  examineBroker(candidate)
  examineResults(candidate)
  examineInspector(candidate)
  examineWorkers(candidate)
  examineSchedules(candidate)
  examineEvents(candidate)
  examineLimits(candidate)
  examineLocks(candidate)
  ask(candidate, "groups", groups)
  ask(candidate, "unique keys", keys)
  ask(candidate, "fair keys", turns)
  ask(candidate, "notes", notes)
}
