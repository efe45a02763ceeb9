/** The signals by which people and service managers speak to a worker. */
export type StopSignal = "SIGINT" | "SIGTERM"

export interface SignalHandlers {
  /** `count` is 1 for the first, 2 for the second, whichever of the two signals each was. */
  stop(signal: StopSignal, count: number): void
  reload(): void
}

/** Hands signals to these handlers until the returned function is called; then they mean what they did before. */
export function listenForSignals(handlers: SignalHandlers): () => void {
  let count = 0
  const onStop = (signal: StopSignal) => {
    count += 1
    handlers.stop(signal, count)
  }
  const onReload = () => handlers.reload()
  process.on("SIGINT", onStop)
  process.on("SIGTERM", onStop)
  process.on("SIGHUP", onReload)
  return () => {
    process.off("SIGINT", onStop)
    process.off("SIGTERM", onStop)
    process.off("SIGHUP", onReload)
  }
}
