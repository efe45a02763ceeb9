import type { ShellOutput } from "../../core/task/shell.ts"

/** How many characters of each stream are kept for a result, for an error, and while the command runs. */
export const KEPT = { result: 65_536, failure: 16_384, running: 8192 } as const

/** The end of what one stream has said. */
export interface Capture {
  write(text: string): void
  /** The last characters, at most so many. */
  tail(most: number): string
  /** How many there were in all. */
  readonly written: number
}

/** Keeps the last `most` characters, in memory of at most twice as many. */
export function createCapture(most: number = KEPT.result): Capture {
  let kept = ""
  let written = 0
  return {
    write(text) {
      // A NUL is text that some stores can not hold.
      const clean = text.replaceAll("\0", "\ufffd")
      written += clean.length
      kept = clean.length >= most ? lastOf(clean, most) : kept + clean
      if (kept.length > 2 * most) kept = lastOf(kept, most)
    },
    tail: (count) => lastOf(kept, Math.min(count, most)),
    get written() {
      return written
    },
  }
}

/** Never begins in the middle of a character. */
function lastOf(text: string, count: number): string {
  if (text.length <= count) return text
  const from = text.length - count
  const half = text.charCodeAt(from)
  return text.slice(half >= 0xdc00 && half <= 0xdfff ? from + 1 : from)
}

/** Both streams as they are kept and shown. */
export const outputOf = (stdout: Capture, stderr: Capture, most: number): ShellOutput => ({
  stdout: stdout.tail(most),
  stderr: stderr.tail(most),
  written: { stdout: stdout.written, stderr: stderr.written },
})

/** The same output, with less of it. */
export function shorten(output: ShellOutput, most: number): ShellOutput {
  const { stdout, stderr, written } = output
  return { stdout: lastOf(stdout, most), stderr: lastOf(stderr, most), written }
}

/** Whether more was written than is there. */
export const isTruncated = ({ stdout, stderr, written }: ShellOutput): boolean =>
  stdout.length < written.stdout || stderr.length < written.stderr
