import { parseArgs } from "node:util"
import { STORES, type StoreName } from "./places.ts"

export interface Options {
  readonly stores: readonly StoreName[]
  readonly rounds: number
  /** Tasks of one drain of Stem; slower systems are given fewer. */
  readonly tasks: number
  readonly concurrency: number
  /** Waiting tasks of the large backlog, and tasks of the long run. */
  readonly backlog: number
  readonly format: "table" | "json"
  /** The measures to take; empty: all. */
  readonly only: readonly string[]
}

/**
 * Reads `--store`, `--rounds`, `--tasks`, `--concurrency`, `--backlog`, `--only` and `-o json`; ends the process with 2
 * on others.
 */
export function readOptions(measures: readonly string[], defaults: readonly StoreName[]): Options {
  try {
    const { values } = parseArgs({
      options: {
        store: { type: "string", default: defaults.join(",") },
        rounds: { type: "string", default: "5" },
        tasks: { type: "string", default: "200000" },
        concurrency: { type: "string", default: "1000" },
        backlog: { type: "string", default: "1000000" },
        only: { type: "string", default: "" },
        output: { type: "string", short: "o", default: "table" },
      },
    })
    const only = values.only.split(",").filter((name) => name !== "")
    const stranger = only.find((name) => !measures.includes(name))
    if (stranger) throw new Error(`--only ${stranger}: the measures are ${measures.join(", ")}`)
    const stores = values.store.split(",").map((name) => {
      const store = STORES.find((known) => known === name)
      if (store) return store
      throw new Error(`--store ${name}: the stores are ${STORES.join(", ")}`)
    })
    if (values.output !== "table" && values.output !== "json") throw new Error("-o takes table or json")
    return {
      stores,
      rounds: positive(values.rounds, "--rounds"),
      tasks: positive(values.tasks, "--tasks"),
      concurrency: positive(values.concurrency, "--concurrency"),
      backlog: positive(values.backlog, "--backlog"),
      format: values.output,
      only,
    }
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

function positive(text: string, flag: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${flag} takes a whole number above 0`)
  return value
}
