/** The calls under way, so that closing can let them end first. */
export interface Calls {
  /** The same functions, counted. */
  counted<Part extends object>(part: Part): Part
  /** Resolves when none is left; `hurry` wakes those that wait for something to happen. */
  over(hurry: () => void): Promise<void>
}

export function createCalls(): Calls {
  const pending = new Set<Promise<unknown>>()

  const counting =
    (call: (...values: unknown[]) => Promise<unknown>) =>
    (...values: unknown[]) => {
      const answer = call(...values)
      pending.add(answer)
      const done = () => void pending.delete(answer)
      answer.then(done, done)
      return answer
    }

  return {
    counted: (part) =>
      Object.fromEntries(
        Object.entries(part).map(([name, member]) => [
          name,
          typeof member === "function" ? counting(member) : member,
        ]),
      ) as typeof part,

    async over(hurry) {
      while (pending.size > 0) {
        hurry()
        await Promise.allSettled(pending)
      }
    },
  }
}
