import type { IsolateLine } from "../../core/contracts/isolates.ts"
import { messageOf } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import type { LogFields, TaskLog } from "../../core/task/context.ts"
import { toFailure } from "../../core/task/failure.ts"
import type { RunEffects, RunFacts } from "./effects.ts"

/** A handler's log: its lines travel with the task's id beside them. */
export function taskLog(
  { id, task }: Pick<RunFacts, "id" | "task">,
  effects: Pick<RunEffects, "log">,
): TaskLog {
  const write = (level: IsolateLine["level"]) => (message: string, fields?: LogFields) =>
    effects.log({
      id,
      task,
      level,
      message: String(message),
      ...(fields && { fields: plainFields(fields) }),
    })
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") }
}

/** A log line never fails the task: what JSON can not carry is written as text. */
function plainFields(fields: LogFields): Record<string, unknown> {
  const plain = ([key, value]: [string, unknown]) => {
    if (value instanceof Error) return [key, toFailure(value)]
    try {
      return [key, JSON.parse(toJson(value, key))]
    } catch {
      return [key, messageOf(value)]
    }
  }
  return Object.fromEntries(Object.entries(fields).map(plain))
}
