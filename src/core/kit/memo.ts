/**
 * Remembers what `make` answers for a text, for as many texts as `most`; then it begins anew. `make` must answer the same
 * for the same text, something that nobody changes. What it throws is not remembered.
 */
export function remembering<T>(make: (text: string) => T, most: number): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const made = make(text)
    if (known.size >= most) known.clear()
    known.set(text, made)
    return made
  }
}
