import type { Shell } from "./command.ts"

/** A line on stderr that is rewritten as work goes on. Silent away from a terminal. */
export interface Progress {
  to(done: number): void
  /** Removes the line. */
  end(): void
}

const EVERY_MS = 100

export function startProgress({ terminal }: Shell, what: string): Progress {
  if (!terminal.stderr) return { to() {}, end() {} }
  const startedAt = performance.now()
  let shownAt = Number.NEGATIVE_INFINITY
  const write = (text: string) => process.stderr.write(`\r\u001b[2K${text}`)
  return {
    to(done) {
      const now = performance.now()
      if (now - shownAt < EVERY_MS) return
      shownAt = now
      const rate = Math.round((done * 1000) / Math.max(1, now - startedAt))
      write(`${done.toLocaleString("en")} ${what}, ${rate.toLocaleString("en")} a second`)
    },
    end() {
      if (Number.isFinite(shownAt)) write("")
    },
  }
}
