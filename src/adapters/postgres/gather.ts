/**
 * Group commit: while one call is under way the next ones gather, and go together as soon as it is done. No timer,
 * nothing waits when nobody else is there.
 */
export type Gather<Item, Answer> = (items: readonly Item[]) => Promise<readonly Answer[]>

interface Call<Item, Answer> {
  readonly items: readonly Item[]
  readonly resolve: (answers: readonly Answer[]) => void
  readonly reject: (error: unknown) => void
}

/** A group ends at this many items, so that one statement stays short. A larger call goes alone. */
const GROUP = 2000

/**
 * `together` answers each item, in order; when it throws, everybody of the group hears it. With `most` above 1 so many
 * groups may be under way at once, one behind the other on their connection.
 */
export function createGather<Item, Answer>(together: Gather<Item, Answer>, most = 1): Gather<Item, Answer> {
  let waiting: Call<Item, Answer>[] = []
  let running = 0

  function nextGroup(): readonly Call<Item, Answer>[] {
    let size = 0
    const end = waiting.findIndex(({ items }, at) => {
      size += items.length
      return at > 0 && size > GROUP
    })
    const group = end === -1 ? waiting : waiting.slice(0, end)
    waiting = end === -1 ? [] : waiting.slice(end)
    return group
  }

  async function run(): Promise<void> {
    running += 1
    // Calls of the same turn of the event loop go together.
    await Promise.resolve()
    while (waiting.length > 0) {
      const group = nextGroup()
      try {
        const answers = await together(
          group.length === 1 ? (group[0]?.items ?? []) : group.flatMap(({ items }) => items),
        )
        let at = 0
        for (const { items, resolve } of group) {
          resolve(answers.slice(at, at + items.length))
          at += items.length
        }
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    running -= 1
  }

  return (items) =>
    new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject })
      if (running < most) void run()
    })
}
