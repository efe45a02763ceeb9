import { type Envelope, encodeEnvelope, type Unique } from "../../core/task/envelope.ts"
import type { Arrival, Group } from "../../core/task/group.ts"

/** What scripts/intake.lua needs of an envelope, then its text. */
export function packEnvelope(envelope: Envelope): string[] {
  const { id, queue, priority, dueAt, unique, fair } = envelope
  const text = unique || fair ? packParts(envelope) : encodeEnvelope(envelope)
  return [id, queue, String(priority), String(dueAt), text]
}

const MODES: Readonly<Record<Unique["mode"], string>> = {
  ...{ live: "l", window: "w", throttle: "t", debounce: "d", replace: "r" },
}

/** The text of an envelope that can be given another id and instant. */
function packParts({ id: _, dueAt: __, ...rest }: Envelope): string {
  const { unique, fair } = rest
  const [key, line] = [unique?.key ?? "", fair?.key ?? ""]
  const head = [
    ...[unique ? MODES[unique.mode] : "n", Math.round(unique?.forMs ?? 0)],
    ...[fair ? (fair.weight ?? 1) : 0, Buffer.byteLength(key), Buffer.byteLength(line)],
  ]
  return `${head.join(" ")} ${key}${line}${JSON.stringify(rest).slice(1)}`
}

/** What a group sends, as a script takes it. */
const packSending = (envelopes: readonly Envelope[]): string =>
  JSON.stringify(
    envelopes.flatMap((envelope) => [...packEnvelope(envelope).slice(0, 4), packParts(envelope)]),
  )

/** The inverse; throws where the text was damaged. */
export function unpackSending(text: string): Envelope[] {
  const list = JSON.parse(text) as string[]
  const envelopes: Envelope[] = []
  for (let at = 0; at < list.length; at += 5) {
    const [id, , , due, packed] = list.slice(at, at + 5) as [string, string, string, string, string]
    const [head, long, longLine] = /^\w \d+ \d+ (\d+) (\d+) /.exec(packed) as unknown as string[]
    const from = (head as string).length + Number(long) + Number(longLine)
    const rest = Buffer.from(packed).subarray(from).toString()
    envelopes.push({ ...(JSON.parse(`{${rest}`) as Envelope), id, dueAt: Number(due) })
  }
  return envelopes
}

/** A group as scripts/groups.lua opens it. */
export function packGroup({ body, broken, ...group }: Group): string[] {
  const careful = [body, ...(broken ?? [])].some((envelope) => envelope?.unique)
  return [
    ...[group.id, String(group.size), String(group.tolerate ?? 0), String(group.openedAt)],
    ...[JSON.stringify(group), body ? packSending([body]) : "", broken ? packSending(broken) : ""],
    careful ? "1" : "0",
  ]
}

/** Group, index and text of an arrival; of none three times nothing. */
export function packArrival(arrival: Arrival | undefined): string[] {
  if (!arrival) return ["", "", ""]
  const { group, index, id, ok, result, error } = arrival
  return [group, String(index), `${ok ? 1 : 0}${JSON.stringify({ id, ok, result, error })}`]
}

/** The inverse. */
export const unpackArrival = (group: string, index: number, text: string): Arrival => ({
  ...{ group, index },
  ...(JSON.parse(text.slice(1)) as Omit<Arrival, "group" | "index">),
})
