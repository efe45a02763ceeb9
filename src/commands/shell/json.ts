// biome-ignore-all lint/suspicious/noControlCharactersInRegex: finding them is the point
import { usage } from "./exit.ts"

/** Reads JSON from outside. Throws with the place of what is wrong: `line 2, column 7 of stdin`. */
export function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const at = faultIn(text)
    const before = text.slice(0, at)
    const line = before.split("\n").length
    const column = at - before.lastIndexOf("\n")
    const found =
      at >= text.length ? "it ends too early" : `${JSON.stringify(text[at])} does not belong there`
    throw usage(`${what} is not JSON: line ${line}, column ${column}: ${found}`)
  }
}

const TOKEN =
  /[\s\u0020]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([[\]{}:,]))/y

/**
 * Where a text stops being JSON, as an offset. Bun's parser does not tell. Keeps its own stack, so that depth
 * can not exhaust the real one.
 */
export function faultIn(text: string): number {
  const open: ("[" | "{")[] = []
  let want: "value" | "value or ]" | "key" | "key or }" | ":" | ", or end" = "value"
  let at = 0
  for (;;) {
    const rest = /\S|$/g
    rest.lastIndex = at
    const start = rest.exec(text)?.index ?? text.length
    if (open.length === 0 && want === ", or end") return start
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)
    if (!token) return unfinished(text, start)
    const [, string, atom, mark] = token
    at = TOKEN.lastIndex
    const inside = open.at(-1)
    if (want === ", or end") {
      if (mark === ",") want = inside === "{" ? "key" : "value"
      else if (mark === (inside === "{" ? "}" : "]")) open.pop()
      else return start
    } else if (want === ":") {
      if (mark !== ":") return start
      want = "value"
    } else if (want === "key" || want === "key or }") {
      if (string !== undefined) want = ":"
      else if (mark === "}" && want === "key or }") {
        open.pop()
        want = ", or end"
      } else return start
    } else if (string !== undefined || atom !== undefined) want = ", or end"
    else if (mark === "[" || mark === "{") {
      open.push(mark)
      want = mark === "[" ? "value or ]" : "key or }"
    } else if (mark === "]" && want === "value or ]") {
      open.pop()
      want = ", or end"
    } else return start
  }
}

/** A text or number that began well is at fault where it breaks off. */
function unfinished(text: string, start: number): number {
  const begun = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y
  begun.lastIndex = start
  return begun.test(text) ? begun.lastIndex : start
}
