/** What a benchmark prints: rows of samples, as a table for people or as JSON. */
import { type About, perSecond, type Timed } from "./systems/system.ts"

export interface Row {
  readonly measure: string
  readonly of: string
  readonly unit: string
  /** One for each round. */
  readonly samples: readonly number[]
  /** What QUALITY asks for, where it asks, and whether the median is on the right side of it. */
  readonly bar?: { readonly text: string; readonly met: boolean }
}

export interface Report {
  readonly machine: Readonly<Record<string, string>>
  readonly systems: readonly About[]
  /** How the servers of the stores were set up. */
  readonly servers: Readonly<Record<string, string>>
  readonly rows: readonly (Row & { readonly store: string })[]
  /** What was not measured, and why. */
  readonly left: readonly string[]
}

export const rateRow = (measure: string, of: string, timed: readonly Timed[]): Row => ({
  ...{ measure, of, unit: "tasks/s" },
  samples: timed.map(perSecond),
})

/** How many times as fast the first is, round by round: both of a round saw the same machine. */
export function timesRow(first: Row, second: Row, atLeast?: number): Row {
  const samples = first.samples.map((sample, at) => sample / (second.samples[at] as number))
  const row = { measure: first.measure, of: `${first.of} / ${second.of}`, unit: "times", samples }
  return atLeast === undefined
    ? row
    : { ...row, bar: { text: `at least ${atLeast}`, met: median(samples) >= atLeast } }
}

/** How much longer the first takes, round by round. */
export function moreRow(first: Row, second: Row, most?: number): Row {
  const samples = first.samples.map((sample, at) => sample - (second.samples[at] as number))
  return atMost({ measure: first.measure, of: `${first.of} - ${second.of}`, unit: first.unit, samples }, most)
}

/** With the bar, where there is one. */
export const atMost = (row: Row, most: number | undefined): Row =>
  most === undefined ? row : { ...row, bar: { text: `at most ${most}`, met: median(row.samples) <= most } }

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper
}

export function print(report: Report, format: "table" | "json"): void {
  if (format === "json") {
    console.log(JSON.stringify(report, null, 2))
    return
  }
  for (const [key, value] of Object.entries(report.machine)) console.log(`${key}: ${value}`)
  for (const about of report.systems)
    console.log(
      `${about.name} ${about.version}: ${about.durability}; results ${about.results}; handlers in ${about.handlers}`,
    )
  for (const store of new Set(report.rows.map((row) => row.store))) {
    console.log(`\n${store}${report.servers[store] ? `: ${report.servers[store]}` : ""}\n`)
    console.log(tableOf(report.rows.filter((row) => row.store === store)).join("\n"))
  }
  for (const line of report.left) console.log(`\nnot measured: ${line}`)
}

const HEAD = ["measure", "of", "median", "range", "unit", "rounds", "bar"]

/** A table that is Markdown too, so that it can be pasted into a document. */
export function tableOf(rows: readonly Row[]): string[] {
  const cells = rows.map(({ measure, of, unit, samples, bar }) => [
    ...[measure, of, shown(median(samples))],
    `${shown(Math.min(...samples))} to ${shown(Math.max(...samples))}`,
    ...[unit, String(samples.length)],
    bar ? `${bar.text}: ${bar.met ? "met" : "missed"}` : "",
  ])
  const widths = HEAD.map((head, at) => Math.max(head.length, ...cells.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`
  return [line(HEAD), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)]
}

/** Three digits that matter. */
export function shown(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString("en-US")
  return value.toFixed(size >= 10 ? 1 : 2)
}
