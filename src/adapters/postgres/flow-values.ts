import { createHash } from "node:crypto"
import { type Envelope, encodeEnvelope } from "../../core/task/envelope.ts"
import type { Value } from "./client.ts"
import { numbers, texts } from "./sql-values.ts"

/*
 * What a task has beyond a plain one, as statements take it: its unique key, and its fair one with what a turn costs.
 */

/** What one turn costs a key of weight 1; a whole number for every weight, so that all stores count alike. */
const TURN = 1_000_000

/** Bytes of a key that are stored as they are: what the server can put into an index, by far. */
const LONGEST = 1500

/**
 * A key as the server can keep it and an index can hold it. What stands for another key is another text, and texts are
 * in the order of their keys, those aside that are alike for as long as an index can hold.
 */
export function keyText(key: string): string {
  const text = key.replace(CONTROLS, (one) => `\u0001${String.fromCharCode(one.charCodeAt(0) + 64)}`)
  if (text.length * 3 <= LONGEST || Buffer.byteLength(text) <= LONGEST) return text
  const digest = createHash("sha256").update(text).digest("hex")
  return `${text.slice(0, LONGEST / 4).toWellFormed()}\u0001${digest}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they part the texts of a list
const CONTROLS = /[\u0000-\u001f]/g

/** Whether the plain way is not enough to store it. */
export const isFlow = ({ unique, fair }: Envelope): boolean => unique !== undefined || fair !== undefined

const costOf = ({ fair }: Envelope) => fair && Math.round(TURN / (fair.weight ?? 1))

/** Lines, costs, unique keys, modes, and how long keys are held; null where none of the tasks has one. */
export function flowValues(envelopes: readonly Envelope[]): readonly Value[] {
  const turns = envelopes.some(({ fair }) => fair)
  const keys = envelopes.some(({ unique }) => unique)
  return [
    turns ? texts(envelopes.map(({ fair }) => fair && keyText(fair.key))) : null,
    turns ? numbers(envelopes.map(costOf)) : null,
    keys ? texts(envelopes.map(({ unique }) => unique && keyText(unique.key))) : null,
    keys ? texts(envelopes.map(({ unique }) => unique?.mode)) : null,
    keys ? numbers(envelopes.map(({ unique }) => unique?.forMs)) : null,
  ]
}

/** A task to be stored, as part of a text in JSON. */
export function sentFields(envelope: Envelope, queues: ReadonlyMap<string, number>): object {
  const { id, task, queue, priority, dueAt, unique, fair } = envelope
  return {
    ...{ id, task, queue: queues.get(queue), rank: 9 - priority, due: dueAt },
    envelope: encodeEnvelope(envelope),
    ...(fair && { fair: keyText(fair.key), cost: costOf(envelope) }),
    ...(unique && { key: keyText(unique.key), mode: unique.mode, hold: unique.forMs }),
  }
}

/** Keys that are set free, by place; null where none is. */
export const freeValue = (keys: readonly (string | undefined)[]): Value =>
  keys.some((key) => key !== undefined)
    ? texts(keys.map((key) => (key === undefined ? undefined : keyText(key))))
    : null

/** Line and cost of each, where one has them. */
export const fairValues = (envelopes: readonly Envelope[]): readonly [string, string] => [
  texts(envelopes.map(({ fair }) => fair && keyText(fair.key))),
  numbers(envelopes.map(costOf)),
]
