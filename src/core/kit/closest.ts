/**
 * The name of the list that was probably meant, or undefined when none is near. Near: at most a third of the
 * letters have to be typed differently (two neighbours swapped count once), or it begins the same.
 */
export function closest(typed: string, names: Iterable<string>): string | undefined {
  if (typed.length > 100) return undefined
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const name of names) {
    const begins = typed.length >= 3 && name.startsWith(typed)
    const steps = begins ? 1 : distance(typed.toLowerCase(), name.toLowerCase())
    if (steps < least && steps <= Math.max(1, Math.floor(Math.max(typed.length, name.length) / 3))) {
      least = steps
      best = name
    }
  }
  return best
}

/** How many letters are to be changed, added, left out or swapped (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] as number
  for (let row = 1; row <= a.length; row++) {
    rows.push([row])
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let least = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) least = Math.min(least, at(row - 2, column - 2) + 1)
      rows[row]?.push(least)
    }
  }
  return at(a.length, b.length)
}
