import type { Sent } from "../../core/client/client.ts"
import type { Shell } from "../shell/command.ts"
import { cleanJson, cleanLine } from "../shell/terminal.ts"

/** What is told of each task of a file. */
export interface Receipt {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly state: Sent["state"]
  readonly duplicate: boolean
}

/** Prints receipts as they come, in the order of the file; by default nothing, for a million ids help nobody. */
export function receipts({ stdout }: Shell, format: string | undefined) {
  let count = 0
  return {
    async add(batch: readonly Receipt[]): Promise<void> {
      for (const receipt of batch) {
        if (format === "name") await stdout.write(`${cleanLine(receipt.id)}\n`)
        else if (format === "ndjson") await stdout.write(`${cleanJson(receipt)}\n`)
        else if (format === "json") await stdout.write(`${count === 0 ? "[" : ","}\n  ${cleanJson(receipt)}`)
        count++
      }
      await stdout.flush()
    },
    async end(): Promise<void> {
      if (format === "json") await stdout.write(count === 0 ? "[]\n" : "\n]\n")
      await stdout.flush()
    },
  }
}
