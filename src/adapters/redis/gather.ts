/**
 * Joins calls into one, so that a hundred callers at once cost little more than one: those of the same round of promises,
 * and while a call is under way those of one turn of the event loop. Nobody waits for a turn while the server has nothing
 * to do. Each gets the answers to its own items; when the joined call fails, all of them hear it.
 */
export function gather<Item, Answer>(
  flush: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (items: readonly Item[]) => Promise<readonly Answer[]> {
  let pending: { readonly items: Item[]; readonly answers: Promise<readonly Answer[]> } | undefined
  let underWay = 0

  function begin() {
    const items: Item[] = []
    const turn = new Promise<void>((resolve) => (underWay > 0 ? setImmediate(resolve) : resolve()))
    const answers = turn.then(async () => {
      pending = undefined
      underWay += 1
      try {
        return await flush(items)
      } finally {
        underWay -= 1
      }
    })
    return { items, answers }
  }

  return async (items) => {
    pending ??= begin()
    const group = pending
    const from = group.items.length
    for (const item of items) group.items.push(item)
    return (await group.answers).slice(from, from + items.length)
  }
}
