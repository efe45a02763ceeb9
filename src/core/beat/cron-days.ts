import { FIELDS, itemsOf, numberIn, numbersOf, type Piece, wrong } from "./cron-fields.ts"

/** Whether a day is meant: `day` of a month that has `length` days, falling on `weekday` (0 is Sunday). */
export type DayTest = (day: number, length: number, weekday: number) => boolean

/** Whether any of them means the day. */
export const anyOf =
  (tests: readonly DayTest[]): DayTest =>
  (day, length, weekday) =>
    tests.some((test) => test(day, length, weekday))

/**
 * Day of the month: numbers, and of Quartz `L` (the last), `L-3` (three before the last), `15W` (the weekday nearest
 * to the 15th, within the month) and `LW` (the last weekday).
 */
export const daysOfMonth = (field: Piece): DayTest => anyOf(itemsOf(field).map(dayOfMonth))

function dayOfMonth(item: Piece): DayTest {
  const text = item.text.toUpperCase()
  const [, before] = /^L(?:-(\d+))?$/.exec(text) ?? []
  if (before !== undefined && (Number(before) < 1 || Number(before) > 30))
    throw wrong(item, "is further before the end than a month is long", "L-1 to L-30 are possible.")
  if (/^L(-\d+)?$/.test(text)) return (day, length) => day === length - Number(before ?? 0)
  if (/^(LW|WL)$/.test(text)) return (day, length, weekday) => day === nearest(length, day, length, weekday)
  if (text.endsWith("W") && text.length > 1) {
    const aim = numberIn({ ...item, text: text.slice(0, -1) }, FIELDS.day)
    return (day, length, weekday) => aim <= length && day === nearest(aim, day, length, weekday)
  }
  const days = new Set(numbersOf(item, FIELDS.day))
  return (day) => days.has(day)
}

/** The day from Monday to Friday nearest to `aim` in the month in which `day` falls on `weekday`. */
function nearest(aim: number, day: number, length: number, weekday: number): number {
  const on = (((weekday + aim - day) % 7) + 7) % 7
  if (on === 6) return aim > 1 ? aim - 1 : aim + 2
  if (on === 0) return aim < length ? aim + 1 : aim - 2
  return aim
}

/**
 * Day of the week: numbers (0 and 7 are Sunday) and names, and of Quartz `5L` (the last Friday of the month) and
 * `5#2` (its second Friday).
 */
export const daysOfWeek = (field: Piece): DayTest => anyOf(itemsOf(field).map(dayOfWeek))

function dayOfWeek(item: Piece): DayTest {
  if (/^L$/i.test(item.text))
    throw wrong(item, "does not say the last which day", "5L is the last Friday, Saturday itself is 6.")
  const [, last] = /^(\w+?)L$/i.exec(item.text) ?? []
  if (last !== undefined) {
    const on = numberIn({ ...item, text: last }, FIELDS.weekday) % 7
    return (day, length, weekday) => weekday === on && day + 7 > length
  }
  const [name = "", nth] = item.text.split("#")
  if (nth !== undefined) {
    const on = numberIn({ ...item, text: name }, FIELDS.weekday) % 7
    if (!/^[1-5]$/.test(nth))
      throw wrong(item, "does not name the first to fifth", "5#2 is the second Friday.")
    return (day, _length, weekday) => weekday === on && Math.ceil(day / 7) === Number(nth)
  }
  const days = new Set(numbersOf(item, FIELDS.weekday).map((number) => number % 7))
  return (_day, _length, weekday) => days.has(weekday)
}
