/** Where talk goes: line by line, at once, in its own order. */
export interface Stderr {
  print(line: string): void
  /** As it is, without a line's end. */
  write(text: string): void
  /** Resolves when everything printed is written, or the reader is gone. */
  flush(): Promise<void>
}

/**
 * Bun's `console.error` would colour what it prints on a terminal, whatever `--color` says. A reader who has left is
 * no reason to fail: talk is never the answer.
 */
export function openStderr(): Stderr {
  const sink = Bun.stderr.writer()
  let last: Promise<unknown> = Promise.resolve()
  const quietly = (act: () => unknown) => {
    try {
      const done = act()
      if (done instanceof Promise) last = done.catch(() => {})
    } catch {}
  }
  const write = (text: string) => {
    quietly(() => sink.write(text))
    quietly(() => sink.flush())
  }
  return {
    write,
    print: (line) => write(`${line}\n`),
    async flush() {
      await last
      quietly(() => sink.flush())
      await last
    },
  }
}
