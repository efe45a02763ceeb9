import type { Notes } from "../../core/contracts/notes.ts"
import type { Store } from "./store.ts"

export function createNotes(store: Store): Notes {
  const { clock, prefix } = store
  return {
    async remember({ id, token }, name, value) {
      const text = JSON.stringify(value) ?? "null"
      const kept = await store.run<number>("note", [String(clock.now()), id, String(token), name, text])
      return kept === 1 ? "settled" : "stale"
    },

    async recall(id, name) {
      const text = await store.use((client) => client.hget(`${prefix}notes:${id}`, name))
      return text === null ? undefined : { value: JSON.parse(text) as unknown }
    },

    async prune(before, max) {
      let removed = 0
      // Those of tasks that live or are dead letters stay, and are stepped over.
      for (let kept = 0; removed < max; ) {
        const args = [before, max - removed, kept].map(String)
        const [looked, gone] = await store.run<[number, number]>("notePrune", args)
        if (looked === 0) break
        removed += gone
        kept += looked - gone
      }
      return removed
    },
  }
}
