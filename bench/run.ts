import { describeMachine } from "./machine.ts"
import { type Options, readOptions } from "./options.ts"
import { print, type Row } from "./report.ts"
import type { About } from "./systems/system.ts"

/** What a measure found, and what it could not. */
export interface Found {
  readonly rows: readonly Row[]
  readonly left?: string
}
export type Measure = (options: Options) => Promise<Found>

/** Takes the measures that were asked for, one after the other, and prints what they found. */
export async function runBench(
  measures: Readonly<Record<string, Measure>>,
  systems: readonly About[],
): Promise<void> {
  const options = readOptions(Object.keys(measures))
  const machine = await describeMachine()
  const rows: Row[] = []
  const left: string[] = []
  for (const [name, measure] of Object.entries(measures)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue
    console.error(`measuring: ${name}`)
    const found = await measure(options)
    rows.push(...found.rows)
    if (found.left) left.push(found.left)
  }
  print({ machine, systems, rows, left }, options.format)
}
