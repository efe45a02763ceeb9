import type { Sent } from "../../core/client/client.ts"
import type { Shell } from "../shell/command.ts"
import { ClosedPipe } from "../shell/stdout.ts"
import { cleanJson, cleanLine } from "../shell/terminal.ts"

/** What is told of each task of a file. */
export interface Receipt {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly state: Sent["state"]
  readonly duplicate: boolean
}

/**
 * Prints receipts as they come, in the order of the file; by default nothing, for a million ids help nobody. A reader
 * who has left (`| head`) is no reason to leave the rest of a file unsent.
 */
export function receipts({ stdout }: Shell, format: string | undefined) {
  let count = 0
  let heard = true

  async function print(text: string): Promise<void> {
    if (!heard) return
    try {
      await stdout.write(text)
      await stdout.flush()
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error
      heard = false
    }
  }

  const lineOf = (receipt: Receipt): string => {
    if (format === "name") return `${cleanLine(receipt.id)}\n`
    if (format === "ndjson") return `${cleanJson(receipt)}\n`
    return format === "json" ? `${count++ === 0 ? "[" : ","}\n  ${cleanJson(receipt)}` : ""
  }

  return {
    add: (batch: readonly Receipt[]) => print(batch.map(lineOf).join("")),
    end: () => print(format !== "json" ? "" : count === 0 ? "[]\n" : "\n]\n"),
  }
}
