import type { Clock } from "../../core/kit/clock.ts"
import type { Bell } from "./bell.ts"
import type { Commit } from "./commit.ts"
import type { Connection } from "./connection.ts"
import type { Queues } from "./queues.ts"

/** One namespace of one open file, as the parts of the driver share it. */
export interface Store {
  readonly connection: Connection
  readonly commit: Commit
  readonly bell: Bell
  readonly clock: Clock
  /** The namespace's number. */
  readonly ns: number
  readonly queues: Queues
  readonly closed: boolean
}
