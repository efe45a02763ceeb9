/** The lines of a stream of UTF-8, one after another; only one chunk and one line are held. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder("utf-8")
  let rest = ""
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() as string
    if (lines.length > 0) yield lines
  }
  const last = rest + decoder.decode()
  if (last !== "") yield [last]
}
