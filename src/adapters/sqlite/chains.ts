import { decodeEnvelope, type Envelope, encodeEnvelope, type Link } from "../../core/task/envelope.ts"
import { ENVELOPE, type LeaseRow, orError } from "./rows.ts"
import type { Store } from "./store.ts"

/**
 * Chains of some length, whose rest is kept once and not in the row that each of their links is in turn. What this
 * process leases it remembers until it settles it, and what it sends on until it leases that: then nothing is read again.
 */
export interface Chains {
  /** What goes into the row of a task that is stored anew. */
  split(envelope: Envelope, text: string): Split
  /** Keeps links, and answers their number; inside a transaction only. They go with the task that has them. */
  keep(links: string): number
  /** Of no task after all; inside a transaction only. */
  drop(chain: number): void
  /** What a row holds, or the reason why it can not be read. */
  envelopeOf(row: LeaseRow): Envelope | Error
  /** How the row of a task can become that of the one it sends: undefined where the row has to hold all of it. */
  handOn(id: string, next: Envelope): Handing | undefined
}

/** The text for the row; `links`, where there are some, are kept apart. */
export interface Split {
  readonly head: string
  readonly links?: string
}

export interface Handing {
  readonly head: string
  /** How many links are gone before and after; null where none are kept apart. */
  readonly from: number | null
  readonly gone: number | null
}

/** What is known of a task of a chain: its row's text and number, and its links, checked and frozen. */
interface Hand {
  readonly head: string | undefined
  readonly gone: number
  readonly links: readonly Link[]
}

/** Fewer links are carried along: that is cheaper than a row of their own. */
const SHORT = 2

/** Tasks that are remembered. Of more than these the longest known are forgotten, which costs reading them again. */
const MOST = 10_000

export function createChains({ connection: { sql } }: Store): Chains {
  const insert = sql("INSERT INTO chains (links) VALUES (?1) RETURNING chain")
  const remove = sql("DELETE FROM chains WHERE chain = ?1")
  const whole = sql(`SELECT ${ENVELOPE} FROM tasks WHERE seq = ?1`)
  const kept = sql("SELECT links FROM chains WHERE chain = ?1")
  const hands = new Map<string, Hand>()

  /** The envelope's text. Nearly all that are read are at their beginning, where all links are still to come. */
  function wholeOf(seq: number, head: string, chain: number | undefined): string {
    const row = chain === undefined ? undefined : kept.one<{ links: string }>(chain)
    if (row) return `${head.slice(0, -1)},"then":${row.links}}`
    return (whole.one<{ envelope: string }>(seq) as { envelope: string }).envelope
  }

  function remember(id: string, hand: Hand): void {
    hands.set(id, hand)
    if (hands.size <= MOST) return
    for (const oldest of hands.keys()) {
      hands.delete(oldest)
      return
    }
  }

  return {
    split(envelope, text) {
      const { then } = envelope
      if (!then || then.length <= SHORT) return { head: text }
      return { head: headOf(envelope), links: JSON.stringify(then) }
    },

    keep: (links) => (insert.one<{ chain: number }>(links) as { chain: number }).chain,
    drop: (chain) => void remove.run(chain),

    envelopeOf({ seq, id, head, chain, gone }) {
      if (chain === null || gone === null) return orError(() => decodeEnvelope(head))
      const hand = hands.get(id)
      if (hand?.head === head && hand.gone === gone) return orError(() => decodeEnvelope(head, hand.links))
      const text = wholeOf(seq, head, gone === 0 ? chain : undefined)
      const envelope = orError(() => decodeEnvelope(text))
      if (!(envelope instanceof Error) && envelope.then)
        remember(id, { head: undefined, gone, links: envelope.then })
      return envelope
    },

    handOn(id, next) {
      const { then = [] } = next
      const hand = hands.get(id)
      hands.delete(id)
      const from = hand?.gone ?? null
      if (then.length === 0 || (!hand && then.length <= SHORT))
        return { head: encodeEnvelope(next), from, gone: null }
      // Only the rest of what was leased is what stands there already.
      if (!hand || !isRestOf(hand.links, then)) return undefined
      const head = headOf(next)
      const gone = hand.gone + 1
      remember(next.id, { head, gone, links: then })
      return { head, from: hand.gone, gone }
    },
  }
}

/** Links are never changed, so the same ones are what stands in the store. */
function isRestOf(links: readonly Link[], rest: readonly Link[]): boolean {
  if (rest.length !== links.length - 1) return false
  for (let at = 0; at < rest.length; at++) if (rest[at] !== links[at + 1]) return false
  return true
}

const headOf = (envelope: Envelope) => encodeEnvelope({ ...envelope, then: undefined })
