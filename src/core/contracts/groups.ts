import type { Millis } from "../kit/clock.ts"
import type { Arrival, GroupFacts } from "../task/group.ts"

/**
 * The groups that a broker's store joins. They are opened by `enqueue` and by settlements, and members arrive by
 * settlements and by whatever else ends a task; this is for those who look at them.
 *
 * 1. A member arrives in the step that ends it: settled, cancelled, purged or marked and handed back.
 * 2. An arrival is counted once for each index. One that was a success stays; one that was not may be followed by a
 *    success, when its dead letter was replayed to rejoin.
 * 3. The state is what `groupStateOf` says of the counts. `broken` is sent when the group is broken for the first time;
 *    `body` when it becomes complete, which it stays. Both in the step that makes it so, under their own ids, due then.
 * 4. Members may arrive before their group is opened: they are counted when it is. One of no members is complete at once.
 * 5. An arrival costs the same, however many members there are.
 */
export interface Groups {
  /** In order; undefined where no such group is open or remembered. */
  get(ids: readonly string[]): Promise<readonly (GroupFacts | undefined)[]>
  /** What has arrived, in order of index, from this one on. */
  arrivals(id: string, from: number, max: number): Promise<readonly Arrival[]>
  /** The latest opened first. */
  list(max: number): Promise<readonly GroupFacts[]>
  /**
   * Sends what should have been sent and was not, which is never the case unless a store was damaged or this code is
   * wrong. Answers those groups as they were; looks at no more than `max` of the open ones, the oldest first.
   * Throws `damaged_group` when what some of them send can not be read, after the others have been seen to.
   */
  sweep(max: number): Promise<readonly GroupFacts[]>
  /** Forgets groups that ended before this instant, and arrivals without a group as old; at most `max`. Answers how many. */
  prune(before: Millis, max: number): Promise<number>
}
