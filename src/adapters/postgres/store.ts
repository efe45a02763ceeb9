import type { Clock } from "../../core/kit/clock.ts"
import type { Bell } from "./bell.ts"
import type { Connection } from "./connection.ts"
import type { Queues } from "./queues.ts"

/** One namespace of one open schema, as the parts of the driver share it. */
export interface Store {
  /** For what moves tasks. */
  readonly work: Connection
  /** For taking them, so that a worker leases while another of its transactions is being flushed. */
  readonly hand: Connection
  /** For what people ask, so that a long list keeps no worker waiting. */
  readonly desk: Connection
  readonly bell: Bell
  readonly clock: Clock
  /** The namespace's number. */
  readonly ns: number
  readonly queues: Queues
  readonly closed: boolean
}
