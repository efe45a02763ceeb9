import type { Notes } from "../../core/contracts/notes.ts"
import type { Store } from "./store.ts"

export function createNotes({ commit, clock, connection, ns }: Store): Notes {
  const { sql, patiently } = connection
  const held = sql("SELECT 1 FROM tasks WHERE ns = ?1 AND id = ?2 AND token = ?3 AND until IS NOT NULL")
  const keep = sql(
    "INSERT INTO notes (ns, task, name, at, value) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
  )
  const find = sql("SELECT value FROM notes WHERE ns = ?1 AND task = ?2 AND name = ?3")
  const over = `at < ?2 AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.ns = notes.ns AND tasks.id = notes.task)
     AND NOT EXISTS (SELECT 1 FROM dead_letters AS d WHERE d.ns = notes.ns AND d.id = notes.task)`
  const old = sql(`SELECT task, name FROM notes WHERE ns = ?1 AND ${over} ORDER BY at LIMIT ?3`)
  const remove = sql(`DELETE FROM notes WHERE ns = ?1 AND task = ?3 AND name = ?4 AND ${over}`)

  return {
    remember({ id, token }, name, value) {
      const text = JSON.stringify(value) ?? "null"
      return commit.write(() => {
        if (!held.one(ns, id, token)) return "stale"
        keep.run(ns, id, name, clock.now(), text)
        return "settled"
      })
    },

    recall: (id, name) =>
      patiently(() => {
        const note = find.one<{ value: string }>(ns, id, name)
        return note && { value: JSON.parse(note.value) as unknown }
      }),

    async prune(before, max) {
      // Looking takes no lock from those who work.
      const found = await patiently(() => old.all<{ task: string; name: string }>(ns, before, max))
      if (found.length === 0) return 0
      return commit.write(
        () => found.filter(({ task, name }) => remove.run(ns, before, task, name) === 1).length,
      )
    },
  }
}
