import type { Shell } from "./command.ts"
import { type Column, renderTable } from "./table.ts"
import { cleanJson, cleanLine } from "./terminal.ts"

/** How a list of records is shown in each form. */
export interface Listing<R> {
  readonly rows: readonly R[]
  readonly columns: readonly Column<R>[]
  /** The stable shape for programs. */
  readonly json: (row: R) => unknown
  /** What `-o name` prints. */
  readonly name: (row: R) => string
  /** Said on stderr, in place of an empty table. */
  readonly none?: string
}

/** Prints a list: an array, one object a line, names, or a table. */
export async function showList<R>(
  shell: Shell,
  format: string | undefined,
  listing: Listing<R>,
): Promise<void> {
  const { stdout, paint, terminal, talk } = shell
  const { rows, columns, json, name, none } = listing
  if (format === "json") await stdout.write(`${cleanJson(rows.map(json), 2)}\n`)
  else if (format === "ndjson") for (const row of rows) await stdout.write(`${cleanJson(json(row))}\n`)
  else if (format === "name") for (const row of rows) await stdout.write(`${cleanLine(name(row))}\n`)
  else if (rows.length === 0 && none) talk.info(none)
  else await stdout.write(renderTable(rows, columns, paint, terminal.stdout ? terminalWidth() : undefined))
  await stdout.flush()
}

/** Prints one record: a document, one line, its name, or as people read it. */
export async function showOne(
  { stdout }: Shell,
  format: string | undefined,
  record: { json: () => unknown; name: () => string; table: () => string },
): Promise<void> {
  if (format === "json") await stdout.write(`${cleanJson(record.json(), 2)}\n`)
  else if (format === "ndjson") await stdout.write(`${cleanJson(record.json())}\n`)
  else if (format === "name") await stdout.write(`${cleanLine(record.name())}\n`)
  else await stdout.write(record.table())
  await stdout.flush()
}

// Asking costs the loading of Node's tty module, so only tables on a terminal ask.
export const terminalWidth = (): number => process.stdout.columns || 80
