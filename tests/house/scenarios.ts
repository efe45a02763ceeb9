/** Scenario titles of specs, and titles of tests. */

/** The titles under `#### Scenario:`. */
export const scenariosOf = (spec: string): readonly string[] =>
  [...spec.matchAll(/^#### Scenario:\s*(.+?)\s*$/gm)].map(([, title]) => title as string)

const TITLE =
  /\b(?:test|it|exam|question)(?:\.\w+(?:\([^)]*\))?)*\s*\(\s*("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)/g
/** Conformance exams may keep their questions by title: `"A lease …": async (open) => …` or `title: "…"`. */
const KEYED =
  /(?:^|[{,])\s*("(?:\\.|[^"\\\n])*")\s*(?::\s*(?:async\b|\()|\()|\btitle:\s*("(?:\\.|[^"\\\n])*")/gm

/** The titles of the tests in a file. Skipped ones do not count: they prove nothing. */
export function titlesOf(text: string): readonly string[] {
  const found = [...text.matchAll(TITLE)]
    .filter(([call]) => !/^\w+\.(?:skip|todo)\b/.test(call))
    .map(([, title]) => title)
  for (const [, key, title] of text.matchAll(KEYED)) found.push(key ?? title)
  return found.flatMap((literal) => (literal ? [unquote(literal)] : []))
}

const unquote = (literal: string): string => literal.slice(1, -1).replace(/\\(["'`\\])/g, "$1")
