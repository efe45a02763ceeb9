/** Scenario titles of specs, and titles of tests. */

/** The titles under `#### Scenario:`. */
export const scenariosOf = (spec: string): readonly string[] =>
  [...spec.matchAll(/^#### Scenario:\s*(.+?)\s*$/gm)].map(([, title]) => title as string)

/** `onTinyDisk(…)` and the like are tests that a machine must be able to do. */
const TITLE =
  /\b(?:test|it|on[A-Z]\w+)(?:\.\w+(?:\([^)]*\))?)*\s*\(\s*("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)/g
/** The exam keeps its questions by title, one a line: `"A lease …": async (desk) => …`. */
const KEYED = /^\s*("(?:\\.|[^"\\\n])*")\s*(?::\s*(?:async\b|\()|\()/gm

/** The titles of the tests in a file. Skipped ones do not count: they prove nothing. */
export function titlesOf(text: string): readonly string[] {
  const found = [...text.matchAll(TITLE)]
    .filter(([call]) => !/^\w+\.(?:skip|todo)\b/.test(call))
    .map(([, title]) => title)
  for (const [, key] of text.matchAll(KEYED)) found.push(key)
  return found.flatMap((literal) => (literal ? [unquote(literal)] : []))
}

/** What a template adds at run time is no part of the title. */
const unquote = (literal: string): string =>
  literal
    .slice(1, -1)
    .replace(/\\(["'`\\])/g, "$1")
    .replace(/\$\{\w+\}$/, "")
