import { join } from "node:path"

/** A process of the test's own, which says what it does in lines of JSON. */
export interface Child {
  /** The next line it says; undefined when it has ended. */
  hear(): Promise<unknown>
  /** All it says until it ends. */
  hearAll(): Promise<unknown[]>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
  readonly exited: Promise<number>
}

/** Starts `tests/support/<file>` with these arguments. */
export function startChild(file: string, ...args: readonly string[]): Child {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
    stdout: "pipe",
    stderr: "inherit",
  })
  const lines = linesOf(child.stdout)
  const hear = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    return done ? undefined : JSON.parse(value)
  }
  return {
    hear,
    async hearAll() {
      const facts: unknown[] = []
      for await (const line of lines) facts.push(JSON.parse(line))
      return facts
    },
    async kill() {
      child.kill("SIGKILL")
      await child.exited
    },
    exited: child.exited,
  }
}

/** Whole lines only: what a killed process was about to say it has not said. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = parts.pop() ?? ""
    yield* parts
  }
}
