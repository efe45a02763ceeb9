import { cleanLine, type Paint } from "./terminal.ts"

/** One column of a table. */
export interface Column<R> {
  readonly title: string
  readonly cell: (row: R) => string | number
  /** Numbers stand right. */
  readonly right?: boolean
  readonly color?: (row: R) => Parameters<Paint>[0] | undefined
}

/** Rows in columns under a head. On a terminal of `width` letters the last column is cut; elsewhere nothing is. */
export function renderTable<R>(
  rows: readonly R[],
  columns: readonly Column<R>[],
  paint: Paint,
  width?: number,
): string {
  const cells = rows.map((row) => columns.map(({ cell }) => cleanLine(String(cell(row)))))
  const widths = columns.map(({ title }, at) =>
    cells.reduce((widest, row) => Math.max(widest, Bun.stringWidth(row[at] as string)), title.length),
  )
  const line = (texts: readonly string[], color: (at: number) => Parameters<Paint>[0] | undefined) => {
    let used = 0
    const parts = texts.map((text, at) => {
      const last = at === texts.length - 1
      const shown = last && width !== undefined ? cut(text, Math.max(width - used, 10)) : text
      used += (widths[at] as number) + 2
      const gap = " ".repeat(Math.max(0, (widths[at] as number) - Bun.stringWidth(shown)))
      const code = color(at)
      const painted = code ? paint(code, shown) : shown
      return columns[at]?.right ? gap + painted : last ? painted : painted + gap
    })
    return parts.join("  ").trimEnd()
  }
  const head = line(
    columns.map(({ title }) => title),
    () => "dim",
  )
  const body = rows.map((row, at) => line(cells[at] as string[], (column) => columns[column]?.color?.(row)))
  return `${[head, ...body].join("\n")}\n`
}

const cut = (text: string, width: number) =>
  Bun.stringWidth(text) <= width ? text : `${[...text].slice(0, width - 1).join("")}…`

/** Names and values, one a line: the long form of one record. */
export function renderFields(
  fields: readonly (readonly [string, string | undefined])[],
  paint: Paint,
): string {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown
    .map(
      ([name, value]) =>
        `${paint("dim", name.padEnd(width))}  ${value.replace(/\n/g, `\n${" ".repeat(width + 2)}`)}\n`,
    )
    .join("")
}
