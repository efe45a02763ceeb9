/** Which exported names have no doc comment above them. */
import { lineAt } from "./tree.ts"

const EXPORTED =
  /^export\s+(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type|enum)\s+(\w+)/gm

const endsWithDoc = (before: string): boolean => {
  // Linter directives may stand between the comment and the name.
  const rest = before.replace(/(?:\n[ \t]*\/\/ biome-ignore[^\n]*)+\s*$/, "").trimEnd()
  if (!rest.endsWith("*/")) return false
  return rest.slice(rest.lastIndexOf("/*")).startsWith("/**")
}

/**
 * Undocumented names as `line: name`. A type and a value of one name, and the overloads of a function, need one
 * comment together.
 */
export function undocumented(text: string): readonly string[] {
  const documented = new Set<string>()
  const found: { name: string; line: number }[] = []
  for (const match of text.matchAll(EXPORTED)) {
    const name = match[1] as string
    if (endsWithDoc(text.slice(0, match.index))) documented.add(name)
    else found.push({ name, line: lineAt(text, match.index) })
  }
  return found.filter(({ name }) => !documented.has(name)).map(({ name, line }) => `${line}: ${name}`)
}

const LIST = /^export\s+(?:type\s+)?\{([^}]*)\}\s*from\s*["']([^"']+)["']/gm

/** What a file passes on from others: the names, and where they come from. */
export const passedOn = (text: string): readonly { name: string; from: string }[] =>
  [...text.matchAll(LIST)].flatMap(([, names = "", from = ""]) =>
    names
      .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "")
      .split(",")
      .map((name) =>
        name
          .trim()
          .replace(/^type\s+/, "")
          .replace(/\s+as\s+\w+$/, ""),
      )
      .filter((name) => name !== "")
      .map((name) => ({ name, from })),
  )
