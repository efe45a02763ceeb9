/*
 * Lists as statements take them. Texts are joined by a character that no id, name or JSON text holds, which the
 * server parts again without either side having to escape anything.
 */

/** What stands between the texts of a list, here and in the lists that the server answers. */
export const BETWEEN = "\u001e"

/** For `stem.texts($n)`; undefined and the empty text stand for null. */
export const texts = (list: readonly (string | undefined)[]): string =>
  list.map((text) => text ?? "").join(BETWEEN)

/** For `$n::integer[]` and its like. */
export const numbers = (list: readonly (number | undefined)[]): string =>
  `{${list.map((value) => value ?? "null").join(",")}}`

/** What stands in a list of integers that the server answers, for the client knows no arrays: `{1,2}`. */
export const placesOf = (list: unknown): readonly number[] =>
  typeof list === "string" && list !== "{}" ? list.slice(1, -1).split(",").map(Number) : []

/** Ids to look for, whatever somebody typed: one that no task can have is turned into another such. */
export const soughtIds = (ids: readonly string[]): string => texts(ids.map((id) => plain(id) || " "))

/** Text that comes from anywhere, as the server can keep it, also inside JSON: with neither NUL nor half a character. */
export const storable = (text: string): string => text.replaceAll("\0", " ").toWellFormed()

/** Text that comes from anywhere, without the characters that part. */
export const plain = (text: string): string => text.replace(CONTROLS, " ")

// biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
const CONTROLS = /[\u0000-\u001f]/g

/** A text as it stands in a statement, whatever the server thinks of backslashes. */
export const quoted = (text: string): string =>
  `E'${storable(text).replaceAll("\\", "\\\\").replaceAll("'", "''")}'`

/** `$1, $2, …`: the arguments of a call that takes so many. */
export const placeholders = (count: number): string =>
  Array.from({ length: count }, (_, at) => `$${at + 1}`).join(", ")
