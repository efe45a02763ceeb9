/** JSON with the fields of every object in the order of their names: the same text for values that are the same. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value)) ?? "null"

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]))
}
