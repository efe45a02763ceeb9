import type { DeadLetterFilter, DeadLetters } from "../../core/contracts/inspector.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import { encodeEnvelope } from "../../core/task/envelope.ts"
import type { Failure } from "../../core/task/failure.ts"
import { aloneOf } from "../../core/task/group.ts"
import type { Replay } from "../../core/task/status.ts"
import { CHUNK, chunks, envelopeOf, parsed, readEnvelope } from "./records.ts"
import type { Store } from "./store.ts"

/** Read in one call while a filter is applied. */
const PAGE = 200

/** A dead letter, and the token that a replay must find unchanged. */
interface Found {
  readonly letter: DeadLetter
  readonly token: string
}

export function createDeadLetters(store: Store): DeadLetters {
  const { clock, prefix } = store

  async function read(ids: readonly string[]): Promise<(Found | undefined)[]> {
    const texts = (
      await Promise.all(chunks(ids, CHUNK).map((some) => store.run<string[]>("letters", some)))
    ).flat()
    return ids.map((id, at) =>
      letterOf(id, texts.slice(at * 4, at * 4 + 4) as [string, string, string, string]),
    )
  }

  /** The ids that died within the filter's time, of its queue, latest first. */
  const idsOf = ({ queue, since, until }: Omit<DeadLetterFilter, "limit">, from: number) =>
    store.range(
      ...([keyOf(queue), until === undefined ? "+inf" : `(${until}`, since ?? "-inf"] as const),
      ...(["BYSCORE", "REV", "LIMIT", from, PAGE] as const),
    )
  const keyOf = (queue: string | undefined) =>
    queue === undefined ? `${prefix}dead` : `${prefix}dead:${queue}`

  async function* matching(filter: Omit<DeadLetterFilter, "limit">): AsyncGenerator<DeadLetter> {
    for (let from = 0; ; from += PAGE) {
      const ids = await idsOf(filter, from)
      for (const found of await read(ids)) if (found && fits(filter, found.letter)) yield found.letter
      if (ids.length < PAGE) return
    }
  }

  return {
    async list({ limit, ...filter }) {
      const letters: DeadLetter[] = []
      if (limit <= 0) return letters
      for await (const letter of matching(filter)) if (letters.push(letter) >= limit) break
      return letters
    },

    async count(filter) {
      const { queue, task, error, since, until } = filter
      if (task === undefined && error === undefined)
        return store.use((client) =>
          client.zcount(keyOf(queue), since ?? "-inf", until === undefined ? "+inf" : `(${until}`),
        )
      let count = 0
      for await (const _ of matching(filter)) count += 1
      return count
    },

    async get(id) {
      return (await read([id]))[0]?.letter
    },

    async replay(asks) {
      const now = clock.now()
      const found = await read(asks.map(({ id }) => id))
      const packed = asks.flatMap(({ id, dueAt, edit, rejoin = false }, at) => {
        const { letter, token } = found[at] ?? {}
        if (!letter?.envelope || token === undefined) return []
        const trail: Replay[] = [
          ...letter.replays,
          { at: now, diedAt: letter.diedAt, error: letter.error.message },
        ]
        const own = rejoin ? letter.envelope : aloneOf(letter.envelope)
        const envelope = encodeEnvelope(edit ? { ...own, input: edit.input } : own)
        return [{ id, args: [id, token, String(dueAt), envelope, JSON.stringify(trail)] }]
      })
      const answers = await Promise.all(
        chunks(packed, CHUNK).map((some) =>
          store.run<number[]>(
            "replay",
            some.flatMap(({ args }) => args),
          ),
        ),
      )
      return packed.filter((_, at) => answers.flat()[at] === 1).map(({ id }) => id)
    },

    purge: (ids) => discard(ids),

    async prune(before, max) {
      const ids = await store.range(`${prefix}dead`, "-inf", `(${before}`, "BYSCORE", "LIMIT", 0, max)
      return discard(ids)
    },
  }

  async function discard(ids: readonly string[]): Promise<number> {
    const counts = await Promise.all(chunks(ids, CHUNK).map((some) => store.run<number>("discard", some)))
    return counts.reduce((a, b) => a + b, 0)
  }
}

function letterOf(
  id: string,
  [text, task, error, replays]: [string, string, string, string],
): Found | undefined {
  if (text === "") return undefined
  const [token, attempts, died] = text.split(" ") as [string, string, string]
  const queue = task.split(" ", 2)[1] as string
  const envelopeText = envelopeOf(task)
  const envelope = readEnvelope(envelopeText)
  const readable = !(envelope instanceof Error)
  return {
    token,
    letter: {
      ...{ id, task: readable ? envelope.task : "unreadable", queue },
      ...{ error: parsed<Failure>(error) as Failure, attempts: Number(attempts), diedAt: Number(died) },
      ...(readable ? { envelope } : { raw: envelopeText }),
      replays: parsed<readonly Replay[]>(replays) ?? [],
    },
  }
}

function fits({ task, error }: Omit<DeadLetterFilter, "limit">, letter: DeadLetter): boolean {
  const { name, code = "", message } = letter.error
  const sought = error?.toLowerCase() ?? ""
  return (
    (task ?? letter.task) === letter.task &&
    [name, code, message].some((text) => text.toLowerCase().includes(sought))
  )
}
