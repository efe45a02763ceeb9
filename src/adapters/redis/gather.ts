/**
 * Joins the calls of one turn of the event loop into one, so that a hundred callers at once cost little more than
 * one. Each gets the answers to its own items; when the joined call fails, all of them hear it.
 */
export function gather<Item, Answer>(
  flush: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (items: readonly Item[]) => Promise<readonly Answer[]> {
  let pending: { readonly items: Item[]; readonly answers: Promise<readonly Answer[]> } | undefined

  function begin() {
    const items: Item[] = []
    const answers = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      pending = undefined
      return flush(items)
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
