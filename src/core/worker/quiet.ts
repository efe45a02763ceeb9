/** Whether a worker takes new work: it can be told to be quiet, and to go on. */
export interface Quiet {
  /** Aborts when the worker is told to be quiet; a new one each time that it goes on. */
  readonly signal: AbortSignal
  readonly on: boolean
  /** Answers false when it was quiet before. */
  hush(): boolean
  /** Answers false when it was not quiet. */
  lift(): boolean
  /** Resolves as soon as it is not quiet. */
  lifted(): Promise<void>
}

/** Not quiet at first. */
export function createQuiet(): Quiet {
  let span = new AbortController()
  let lifted = Promise.withResolvers<void>()
  lifted.resolve()
  return {
    get signal() {
      return span.signal
    },
    get on() {
      return span.signal.aborted
    },
    hush() {
      if (span.signal.aborted) return false
      lifted = Promise.withResolvers()
      span.abort()
      return true
    },
    lift() {
      if (!span.signal.aborted) return false
      span = new AbortController()
      lifted.resolve()
      return true
    },
    lifted: () => lifted.promise,
  }
}
