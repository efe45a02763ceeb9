// biome-ignore-all lint/suspicious/noControlCharactersInRegex: finding them is the point
/**
 * What is known of the terminal, and what may reach it.
 */

// Node's `tty` module takes longer to load than the rest of `stem --help`; its binding alone takes nothing.
interface TtyBinding {
  isTTY(fd: number): boolean
}

/** Whether the file descriptor (0 stdin, 1 stdout, 2 stderr) is a terminal. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  const { binding } = process as unknown as { binding(name: string): TtyBinding }
  return binding("tty_wrap").isTTY(fd)
}

export type ColorChoice = "auto" | "always" | "never"

/** Colour is for terminals, unless told otherwise: first by `--color`, then by NO_COLOR and TERM=dumb. */
export function wantsColor(
  choice: ColorChoice,
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
) {
  if (choice !== "auto") return choice === "always"
  return terminal && !env.NO_COLOR && env.TERM !== "dumb"
}

/** Colours text, or leaves it alone. */
export type Paint = (code: "bold" | "dim" | "red" | "green" | "yellow" | "cyan", text: string) => string

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export const painter = (on: boolean): Paint =>
  on ? (code, text) => `\u001b[${CODES[code][0]}m${text}\u001b[${CODES[code][1]}m` : (_, text) => text

// Escape sequences whole, then every control character but newline and tab, then marks that reorder text.
const SEQUENCE =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?)/g
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text from outside, safe to print: it can neither move the cursor nor reorder a line. Lines stay lines. */
export const clean = (text: string): string =>
  text.replace(/\r\n/g, "\n").replace(SEQUENCE, "").replace(CONTROL, "")

/** The same on one line. */
export const cleanLine = (text: string): string =>
  clean(text.replace(/\s*[\r\n]+\s*/g, " ")).replace(/\t/g, " ")

const ESCAPED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** JSON whose text is safe to print: what `clean` takes out stands as an escape, so the value is unchanged. */
export const cleanJson = (value: unknown, indent?: number): string =>
  (JSON.stringify(value, null, indent) ?? "null").replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
