import { describeMachine } from "./machine.ts"
import { type Options, readOptions } from "./options.ts"
import { openStage, type Stage, type StoreName } from "./places.ts"
import { print, type Report, type Row } from "./report.ts"
import type { About } from "./systems/system.ts"

/** What a measure found, and what it could not. */
export interface Found {
  readonly rows: readonly Row[]
  readonly left?: string
}
export type Measure = (options: Options, stage: Stage) => Promise<Found>

/** What is done on one store. */
export interface Programme {
  readonly measures: Readonly<Record<string, Measure>>
  readonly systems: readonly About[]
}

/** Takes the measures that were asked for, store by store and one after the other, and prints what they found. */
export async function runBench(
  programmes: Readonly<Record<StoreName, Programme>>,
  defaults: readonly StoreName[],
): Promise<void> {
  const known = Object.values(programmes).flatMap(({ measures }) => Object.keys(measures))
  const options = readOptions([...new Set(known)], defaults)
  const report = { machine: await describeMachine(), systems: new Map<string, About>() }
  const servers: Record<string, string> = {}
  const rows: Report["rows"][number][] = []
  const left: string[] = []
  for (const store of options.stores) {
    const { measures, systems } = programmes[store]
    for (const about of systems) report.systems.set(`${store} ${about.name}`, about)
    const stage = await openStage(store)
    servers[store] = stage.server
    try {
      for (const [name, measure] of Object.entries(measures)) {
        if (options.only.length > 0 && !options.only.includes(name)) continue
        console.error(`measuring on ${store}: ${name}`)
        const found = await measure(options, stage)
        rows.push(...found.rows.map((row) => ({ ...row, store })))
        if (found.left) left.push(found.left)
      }
    } finally {
      await stage.close()
    }
  }
  print({ ...report, systems: [...report.systems.values()], servers, rows, left }, options.format)
  process.exit(0)
}
