import type { Millis } from "../../core/kit/clock.ts"
import { completed } from "../../core/task/live.ts"
import type { Settled, Settlement } from "../../core/task/verdict.ts"
import { endCancelled } from "./endings.ts"
import { arrive, openGroup } from "./groups.ts"
import { add } from "./intake.ts"
import { setFree } from "./keys.ts"
import { copy, type Live, putStatus, type Store } from "./store.ts"

/** Lands one settlement whole, or changes nothing when somebody else holds or has settled the task. */
export function settleOne(store: Store, settlement: Settlement, now: Millis): Settled {
  const { lease, verdict, status, next, opens = [] } = settlement
  const task = store.live.get(lease.id)
  if (task?.until === undefined || task.token !== lease.token) return "stale"
  if (verdict.kind === "retry" || verdict.kind === "release") {
    if (task.cancel) endCancelled(store, task, now)
    else handBack(task, verdict)
  } else {
    if (verdict.kind === "bury") bury(store, task, copy(verdict.reason), now)
    store.live.delete(lease.id)
    if (status) putStatus(store, completed(status, task))
  }
  if (settlement.unique !== undefined) setFree(store, settlement.unique, lease.id)
  for (const envelope of next) add(store, envelope, now)
  for (const group of opens) openGroup(store, group, now)
  if (settlement.arrive) arrive(store, settlement.arrive, now)
  return "settled"
}

function handBack(task: Live, verdict: Settlement["verdict"] & { kind: "retry" | "release" }): void {
  task.holder = undefined
  task.until = undefined
  task.dueAt = verdict.at
  if (verdict.kind === "release") return
  task.attempts += 1
  task.error = copy(verdict.reason)
}

function bury(store: Store, task: Live, error: NonNullable<Live["error"]>, diedAt: Millis): void {
  const { envelope, token, attempts, replays } = task
  const { id, queue } = envelope
  const letter = { id, task: envelope.task, queue, error, attempts: attempts + 1, diedAt, envelope, replays }
  store.dead.set(id, { letter: copy(letter), token })
}
