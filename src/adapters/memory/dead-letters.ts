import type { DeadLetterFilter, DeadLetters } from "../../core/contracts/inspector.ts"
import type { Clock } from "../../core/kit/clock.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { aloneOf } from "../../core/task/group.ts"
import { copy, type Store } from "./store.ts"

export function createDeadLetters(store: Store, clock: Clock): DeadLetters {
  const latestFirst = () =>
    [...store.dead.values()]
      .map(({ letter }) => letter)
      .sort((a, b) => b.diedAt - a.diedAt || (a.id < b.id ? 1 : -1))

  const matching = (filter: Omit<DeadLetterFilter, "limit">) =>
    latestFirst().filter((letter) => matches(filter, letter))

  return {
    async list(filter) {
      return matching(filter).slice(0, filter.limit)
    },

    async count(filter) {
      return matching(filter).length
    },

    async get(id) {
      return store.dead.get(id)?.letter
    },

    async replay(asks) {
      const now = clock.now()
      const replayed = asks.flatMap(({ id, dueAt, edit, rejoin = false }) => {
        const found = store.dead.get(id)
        if (!found?.letter.envelope) return []
        const { envelope, diedAt, error, replays } = found.letter
        store.dead.delete(id)
        store.statuses.delete(id)
        const own = rejoin ? envelope : aloneOf(envelope)
        store.live.set(id, {
          envelope: copy(edit ? { ...own, input: edit.input } : own),
          token: found.token,
          attempts: 0,
          dueAt,
          replays: copy([...replays, { at: now, diedAt, error: error.message }]),
        })
        return [id]
      })
      store.bell.ring()
      return replayed
    },

    async purge(ids) {
      return ids.filter((id) => store.dead.delete(id)).length
    },

    async prune(before, max) {
      const old = latestFirst()
        .reverse()
        .filter((letter) => letter.diedAt < before)
        .slice(0, max)
      for (const { id } of old) store.dead.delete(id)
      return old.length
    },
  }
}

function matches(filter: Omit<DeadLetterFilter, "limit">, letter: DeadLetter): boolean {
  const { name, code = "", message } = letter.error
  const sought = filter.error?.toLowerCase() ?? ""
  return (
    (filter.queue ?? letter.queue) === letter.queue &&
    (filter.task ?? letter.task) === letter.task &&
    letter.diedAt >= (filter.since ?? Number.NEGATIVE_INFINITY) &&
    letter.diedAt < (filter.until ?? Number.POSITIVE_INFINITY) &&
    [name, code, message].some((text) => text.toLowerCase().includes(sought))
  )
}
