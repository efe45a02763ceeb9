import type { Cancelled } from "../../core/contracts/broker.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { Endings } from "./endings.ts"
import type { Intake } from "./intake.ts"
import { CANCEL, type TaskRow } from "./rows.ts"
import type { Store } from "./store.ts"

/** Cancels one task; inside a transaction only. */
export type Cancel = (id: string, how: { terminate: boolean }, now: Millis) => Cancelled

export function createCancel({ connection: { sql }, ns }: Store, intake: Intake, endings: Endings): Cancel {
  const find = sql("SELECT seq, until FROM tasks WHERE ns = ?1 AND id = ?2")
  const mark = sql("UPDATE tasks SET cancel = max(cancel, ?2) WHERE seq = ?1")
  return (id, { terminate }, now) => {
    const row = find.one<Pick<TaskRow, "seq" | "until">>(ns, id)
    if (!row) return { id, kind: intake.knownState(id, now) ? "ended" : "unknown" }
    if (row.until === null) return { id, kind: "cancelled", status: endings.cancel(row.seq, now) }
    mark.run(row.seq, terminate ? CANCEL.terminate : CANCEL.abort)
    return { id, kind: "asked" }
  }
}
