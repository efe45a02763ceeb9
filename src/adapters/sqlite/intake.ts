import type { Enqueued } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { type Envelope, encodeEnvelope, type Unique } from "../../core/task/envelope.ts"
import { stateOf } from "../../core/task/live.ts"
import type { TaskState } from "../../core/task/status.ts"
import type { Chains } from "./chains.ts"
import type { KeyRow, Keys } from "./keys.ts"
import type { Lines } from "./lines.ts"
import type { TaskRow } from "./rows.ts"
import type { Statuses } from "./statuses.ts"
import type { Store } from "./store.ts"

/** How tasks come in; inside a transaction only. */
export interface Intake {
  /** Stores an envelope, given with its text, unless its id is known or its key taken. */
  add(envelope: Envelope, text: string, now: Millis): Enqueued
  /** The state of the task that has this id here, live, ended or dead. */
  knownState(id: string, now: Millis): TaskState | undefined
}

export function createIntake(
  { connection: { sql }, ns, queues }: Store,
  { statuses, keys, lines, chains }: { statuses: Statuses; keys: Keys; lines: Lines; chains: Chains },
): Intake {
  const unknown = `WHERE NOT EXISTS (SELECT 1 FROM statuses WHERE ns = ?1 AND id = ?2)
       AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE ns = ?1 AND id = ?2)
     ON CONFLICT (ns, id) DO NOTHING`
  const insert = sql(
    `INSERT INTO tasks (ns, id, queue, rank, due, envelope, chain, gone)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?7 IS NULL, NULL, 0) ${unknown}`,
  )
  const insertInLine = sql(
    `INSERT INTO tasks (ns, id, queue, rank, due, envelope, chain, gone, fair)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?7 IS NULL, NULL, 0), ?8 ${unknown}`,
  )
  const replace = sql(
    "UPDATE tasks SET queue = ?2, rank = ?3, due = ?4, envelope = ?5, chain = NULL, fair = ?6 WHERE seq = ?1",
  )
  const live = sql("SELECT due, attempts, holder FROM tasks WHERE ns = ?1 AND id = ?2")
  const dead = sql("SELECT 1 FROM dead_letters WHERE ns = ?1 AND id = ?2")

  function knownState(id: string, now: Millis): TaskState | undefined {
    const row = live.one<Pick<TaskRow, "due" | "attempts" | "holder">>(ns, id)
    if (row) return stateOf({ ...row, dueAt: row.due, holder: row.holder ?? undefined }, now)
    return statuses.stateOf(id) ?? (dead.one(ns, id) ? "failed" : undefined)
  }

  /** False when its id is known. */
  function store(envelope: Envelope, text: string): boolean {
    const { id, priority, dueAt } = envelope
    const queue = queues.ensure(envelope.queue)
    const rank = 9 - priority
    const { head, links } = chains.split(envelope, text)
    const chain = links === undefined ? null : chains.keep(links)
    const row = [ns, id, queue, rank, dueAt, head, chain] as const
    const line = lines.lineOf(queue, rank, envelope)
    if ((line === null ? insert.run(...row) : insertInLine.run(...row, line)) !== 1) {
      if (chain !== null) chains.drop(chain)
      return false
    }
    if (line !== null) lines.joined(queue, rank, line, dueAt)
    return true
  }

  /** What a task of a unique key meets there; undefined when it may be stored, which gives it the key. */
  function meet(envelope: Envelope & { unique: Unique }, now: Millis): Enqueued | undefined {
    const { key, mode } = envelope.unique
    const has = keys.find(key)
    if (!has) return undefined
    const known = knownState(envelope.id, now)
    if (known) return { id: envelope.id, kind: "duplicate", state: known }
    const lives = has.seq !== null
    const held = now < (has.until ?? 0)
    const taken =
      (mode === "live" && lives) || (mode === "throttle" && held) || (mode === "window" && (held || lives))
    if (taken) return { id: has.task, kind: "duplicate", state: knownState(has.task, now) ?? "succeeded" }
    const replaces = mode === "debounce" || mode === "replace"
    if (!replaces || has.seq === null || has.leased !== null || has.attempts > 0) return undefined
    takeOver({ ...has, seq: has.seq }, envelope, mode === "debounce" ? envelope.dueAt : has.due)
    return { id: has.task, kind: "replaced", state: knownState(has.task, now) ?? "queued" }
  }

  /** The task that waits becomes what the new one brings, under its own id and in its own place. */
  function takeOver({ seq, task }: KeyRow & { seq: number }, envelope: Envelope, dueAt: Millis): void {
    const queue = queues.ensure(envelope.queue)
    const rank = 9 - envelope.priority
    const line = lines.lineOf(queue, rank, envelope)
    replace.run(seq, queue, rank, dueAt, encodeEnvelope({ ...envelope, id: task, dueAt }), line)
    if (line !== null) lines.joined(queue, rank, line, dueAt)
  }

  const isUnique = (envelope: Envelope): envelope is Envelope & { unique: Unique } =>
    envelope.unique !== undefined

  return {
    knownState,
    add(envelope, text, now) {
      const { id, dueAt, unique } = envelope
      const met = isUnique(envelope) ? meet(envelope, now) : undefined
      if (met) return met
      if (!store(envelope, text)) return { id, kind: "duplicate", state: knownState(id, now) as TaskState }
      if (unique) keys.give(unique, id, now)
      return { id, kind: "stored", state: dueAt > now ? "scheduled" : "queued" }
    },
  }
}
