/** Thrown when whoever read our output has left: the command ends, quietly. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe"
}

/** Where data goes. */
export interface Stdout {
  /** Waits when the reader is slow. Throws {@link ClosedPipe} when it is gone. */
  write(text: string): Promise<void>
  flush(): Promise<void>
}

const isGone = (error: unknown) => {
  const { code } = error as { code?: unknown }
  return code === "EPIPE" || code === "ECONNRESET"
}

export function openStdout(): Stdout {
  const sink = Bun.stdout.writer({ highWaterMark: 65_536 })
  const guarded = async (act: () => unknown) => {
    try {
      await act()
    } catch (error) {
      throw isGone(error) ? new ClosedPipe("stdout was closed") : error
    }
  }
  let gathered: string[] = []
  let size = 0
  const flush = () =>
    guarded(async () => {
      const text = gathered.join("")
      gathered = []
      size = 0
      if (text !== "") await sink.write(text)
      await sink.flush()
    })
  return {
    async write(text) {
      gathered.push(text)
      size += text.length
      if (size >= 32_768) await flush()
    },
    flush,
  }
}
