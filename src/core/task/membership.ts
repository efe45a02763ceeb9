/** A task's place in a group; the last link of a member's chain carries it. */
export interface Membership {
  readonly group: string
  /** From 0. */
  readonly index: number
}
