import type { Notes } from "../../core/contracts/notes.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { copy, type Store } from "./store.ts"

export const createNotes = (store: Store, clock: Clock): Notes => ({
  async remember({ id, token }, name, value) {
    const task = store.live.get(id)
    if (task?.until === undefined || task.token !== token) return "stale"
    const notes = store.notes.get(id) ?? new Map()
    store.notes.set(id, notes)
    if (!notes.has(name)) notes.set(name, { value: copy(value), at: clock.now() })
    return "settled"
  },

  async recall(id, name) {
    const note = store.notes.get(id)?.get(name)
    return note && { value: note.value }
  },

  async prune(before, max) {
    const old = [...store.notes]
      .filter(([id]) => !store.live.has(id) && !store.dead.has(id))
      .flatMap(([id, notes]) =>
        [...notes].flatMap(([name, { at }]) => (at < before ? [[id, name] as const] : [])),
      )
      .slice(0, max)
    for (const [id, name] of old) {
      store.notes.get(id)?.delete(name)
      if (store.notes.get(id)?.size === 0) store.notes.delete(id)
    }
    return old.length
  },
})
