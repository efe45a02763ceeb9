import { closest } from "../kit/closest.ts"
import { invalid, type StemError } from "../kit/errors.ts"

/** One of the fields of a cron expression: its bounds, and the words it knows. */
interface Field {
  readonly what: string
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

/** The fields in the order of crontab(5), seconds before them. */
export const FIELDS = {
  second: { what: "a second", min: 0, max: 59, names: [] },
  minute: { what: "a minute", min: 0, max: 59, names: [] },
  hour: { what: "an hour", min: 0, max: 23, names: [] },
  day: { what: "a day of the month", min: 1, max: 31, names: [] },
  month: { what: "a month", min: 1, max: 12, names: MONTHS },
  weekday: { what: "a day of the week", min: 0, max: 7, names: WEEKDAYS },
} as const satisfies Record<string, Field>

/** A piece of an expression, and where it stands: columns begin with 1. */
export interface Piece {
  readonly text: string
  readonly column: number
  readonly expression: string
}

/** Says what is wrong with a piece of an expression, where, and what was probably meant. */
export const wrong = ({ text, column, expression }: Piece, why: string, hint?: string): StemError =>
  invalid("invalid_cron", `cron "${expression}", column ${column}: "${text}" ${why}`, hint)

/** The parts of a list, each knowing its place. */
export function itemsOf(piece: Piece): readonly Piece[] {
  let column = piece.column
  return piece.text.split(",").map((text) => {
    const item = { text, column, expression: piece.expression }
    column += text.length + 1
    if (text === "") throw wrong({ ...item, text: piece.text }, "has an empty place in its list")
    return item
  })
}

/** The numbers of an ordinary item: `*`, `5`, `1-5`, `mon-fri`, with `/2` behind any of them. */
export function numbersOf(item: Piece, field: Field): readonly number[] {
  const [body = "", step, more] = item.text.split("/")
  if (more !== undefined) throw wrong(item, "has more than one step")
  const size = step === undefined ? 1 : stepOf(item, step)
  const [low, high] = boundsOf({ ...item, text: body }, field, step !== undefined)
  const numbers: number[] = []
  for (let number = low; number <= high; number += size) numbers.push(number)
  return numbers
}

function stepOf(item: Piece, text: string): number {
  const size = /^\d+$/.test(text) ? Number(text) : 0
  if (size > 0) return size
  throw wrong(item, "has a step that is no number above zero", "Write a step as */5 or 10-40/10.")
}

function boundsOf(item: Piece, field: Field, stepped: boolean): readonly [number, number] {
  const day = field === FIELDS.day || field === FIELDS.weekday
  if (item.text === "*" || (item.text === "?" && day))
    return [field.min, field.max - (field.max === 7 ? 1 : 0)]
  const [from = "", to, more] = item.text.split("-")
  if (more !== undefined) throw wrong(item, "is not a range", "Write a range as 1-5.")
  const low = numberIn({ ...item, text: from }, field)
  if (to === undefined) return [low, stepped ? field.max - (field.max === 7 ? 1 : 0) : low]
  const column = item.column + from.length + 1
  let high = numberIn({ ...item, column, text: to }, field)
  if (field === FIELDS.weekday && high === 0 && low > 0) high = 7
  if (low <= high) return [low, high]
  const rest = high === field.min ? `${high}` : `${field.min}-${high}`
  const top = field === FIELDS.weekday ? 6 : field.max
  throw wrong(
    item,
    `runs backwards: ${low} is after ${high}`,
    `Over the end it is ${low === top ? top : `${low}-${top}`},${rest}.`,
  )
}

/** One number or name of a field. */
export function numberIn(item: Piece, field: Field): number {
  const name = field.names.indexOf(item.text.toLowerCase())
  if (name >= 0) return name + (field === FIELDS.month ? 1 : 0)
  const number = /^\d+$/.test(item.text) ? Number(item.text) : Number.NaN
  if (number >= field.min && number <= field.max) return number
  throw wrong(item, `is not ${field.what} (${field.min} to ${field.max})`, meant(item.text, number, field))
}

function meant(text: string, number: number, field: Field): string | undefined {
  if (number === field.max + 1 && field.min === 0) return `Did you mean 0? ${field.max} is the last.`
  if (number > field.max && field.max === 59)
    return "For an interval longer than its unit use every, as in every 90m."
  if (field === FIELDS.month && number === 0) return "Months begin with 1, January."
  if (field === FIELDS.day && number === 0) return "Days begin with 1; L is the last of the month."
  if (/^\d+:\d+$/.test(text)) return "A time is two fields, the minute first: 12:30 is 30 12."
  if (/^\d+(ms|s|m|h|d)$/.test(text)) return `An interval is not cron: use every ${text}.`
  if (text === "?") return "Only the day of the month and the day of the week may be ?; write *."
  if (text.startsWith("H")) return "Stem has no hashed times: choose one, and spread many with jitter."
  if (text.includes("~")) return "Stem has no random times: choose one, and spread many with jitter."
  if (/^(L|.*W|.*#.*)$/i.test(text))
    return "L and W belong to the day of the month; 5L and 5#2 to the day of the week."
  const near = closest(text.slice(0, 3), field.names)
  return near && `Did you mean ${near}?`
}
