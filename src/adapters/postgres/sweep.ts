import type { Millis } from "../../core/kit/clock.ts"
import type { Connection } from "./connection.ts"

/**
 * Every task leaves dead entries at the beginning of the indexes, which a reserve has to pass until vacuum has come:
 * some 600 pages for 100,000 tasks. Autovacuum looks once a minute, in which a busy queue leaves a million. So who
 * has settled this many vacuums the table, which is small then and takes a fraction of a second.
 */
const EVERY = 100_000

/** It is only a chore: given up quietly when it takes longer. */
const PATIENCE: Millis = 9000

/** Counts settled tasks and vacuums when it is time; never throws, never waited for. */
export type Sweep = (settled: number) => void

export function createSweep(desk: Connection): Sweep {
  // Where the counting begins differs, so that workers that started together do not all vacuum at once.
  let left = EVERY * (0.5 + Math.random())
  return (settled) => {
    left -= settled
    if (left > 0) return
    left = EVERY
    // Somebody else who is at it already does it for us.
    const vacuum = `VACUUM (SKIP_LOCKED, TRUNCATE off) ${desk.schema}.tasks`
    desk.use((client) => client.script(vacuum), PATIENCE).catch(() => {})
  }
}
