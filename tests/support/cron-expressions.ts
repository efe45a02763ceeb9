/** Random cron expressions for fast-check, each with what it means, made from the same dice and not by reading it. */
import fc from "fast-check"
import type { NaiveCron } from "./naive-cron.ts"

interface Part {
  readonly text: string
  readonly star: boolean
  readonly has: (value: number) => boolean
}

const star: Part = { text: "*", star: true, has: () => true }

const stepOver = (min: number, most: number) =>
  fc.integer({ min: 1, max: most }).map((step): Part => {
    return { text: `*/${step}`, star: true, has: (value) => (value - min) % step === 0 }
  })

const listOf = (min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((values): Part => {
    return { text: values.join(","), star: false, has: (value) => values.includes(value) }
  })

const rangeOf = (min: number, max: number) =>
  fc
    .tuple(fc.integer({ min, max }), fc.integer({ min, max }), fc.integer({ min: 1, max: 9 }))
    .map(([one, other, step]): Part => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)]
      const has = (value: number) => value >= low && value <= high && (value - low) % step === 0
      return { text: `${low}-${high}${step > 1 ? `/${step}` : ""}`, star: false, has }
    })

const part = (min: number, max: number, open: number, first = min) =>
  fc.oneof(
    { weight: open, arbitrary: fc.constant(star) },
    { weight: 1, arbitrary: stepOver(first, max) },
    { weight: 4, arbitrary: listOf(min, max) },
    { weight: 2, arbitrary: rangeOf(min, max) },
  )

/** Five fields; those of the day are mostly open, the hour is mostly one of `hours`, so that something is due. */
export const cronAround = (hours: { min: number; max: number }) =>
  fc
    .record({
      minute: part(0, 59, 1),
      hour: fc.oneof({ weight: 4, arbitrary: part(hours.min, hours.max, 1, 0) }, part(0, 23, 2)),
      day: part(1, 31, 14),
      month: part(1, 12, 30),
      weekday: part(0, 7, 14),
    })
    .map(({ minute, hour, day, month, weekday }): { text: string; naive: NaiveCron } => ({
      text: [minute, hour, day, month, weekday].map(({ text }) => text).join(" "),
      naive: {
        follows: minute.star || hour.star,
        matches: (shown) => {
          const onDay = day.has(shown.day)
          const onWeekday = weekday.has(shown.weekday) || (shown.weekday === 0 && weekday.has(7))
          return (
            shown.second === 0 &&
            minute.has(shown.minute) &&
            hour.has(shown.hour) &&
            month.has(shown.month) &&
            (day.star || weekday.star ? onDay && onWeekday : onDay || onWeekday)
          )
        },
      },
    }))

/** Every daylight saving policy. */
export const policies = fc.record({
  gap: fc.constantFrom("run" as const, "skip" as const),
  overlap: fc.constantFrom("once" as const, "twice" as const),
})
