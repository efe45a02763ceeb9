import { LOST_KEPT, MAILBOX, type WorkerRegistry } from "../../core/contracts/workers.ts"
import type { Clock } from "../../core/kit/clock.ts"
import { copy, type Store } from "./store.ts"

export function createWorkers(store: Store, clock: Clock, closing: AbortSignal): WorkerRegistry {
  const { workers, mailboxes, answers, bell } = store

  function forget(): void {
    const now = clock.now()
    for (const [id, { until }] of workers) if (until <= now - LOST_KEPT) workers.delete(id)
    for (const [id, box] of mailboxes)
      if (box.every(({ expiresAt }) => expiresAt <= now)) mailboxes.delete(id)
    for (const [id, given] of answers) {
      for (const [worker, { until }] of given) if (until <= now) given.delete(worker)
      if (given.size === 0) answers.delete(id)
    }
  }

  return {
    async beat(presence, ttlMs) {
      forget()
      const now = clock.now()
      workers.set(presence.id, { presence: copy(presence), until: now + ttlMs })
      const box = mailboxes.get(presence.id) ?? []
      mailboxes.delete(presence.id)
      return box.filter(({ expiresAt }) => expiresAt > now).sort((a, b) => compare(a.id, b.id))
    },

    async list(since = clock.now()) {
      return [...workers.values()]
        .filter(({ until }) => until > since)
        .map(({ presence }) => presence)
        .sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))
    },

    async leave(id) {
      workers.delete(id)
      mailboxes.delete(id)
    },

    async send(command, to) {
      forget()
      for (const id of new Set(to))
        mailboxes.set(id, [...(mailboxes.get(id) ?? []), copy(command)].slice(-MAILBOX))
      bell.ring()
    },

    async answer(answer) {
      const given = answers.get(answer.command) ?? new Map()
      answers.set(answer.command, given.set(answer.worker, copy(answer)))
    },

    async answers(command) {
      const now = clock.now()
      return [...(answers.get(command)?.values() ?? [])]
        .filter(({ until }) => until > now)
        .sort((a, b) => compare(a.worker, b.worker))
    },

    async wait(id, until, signal) {
      const stop = AbortSignal.any([signal, closing])
      while (!stop.aborted && clock.now() < until && !mailboxes.has(id))
        await bell.next(clock, until - clock.now(), stop)
    },
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
