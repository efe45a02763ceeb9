import type { Isolate } from "./isolate-handle.ts"
import { INTERRUPTED, type Run, unstarted } from "./run.ts"

/**
 * For runs whose isolate died when nobody could tell which of them had killed it. Each is run again alone, so
 * that the guilty one is known by its isolate's death and the others are not charged for it.
 */
export interface Quarantine {
  add(suspect: Run): void
  /** Takes back a suspect that waits for its turn. */
  take(isIt: (run: Run) => boolean): Run | undefined
  /** Waiting suspects end as interrupted; isolates are killed by whoever launched them. */
  stop(): void
}

export function createQuarantine(options: { launch(): Isolate; lanes: () => number }): Quarantine {
  let waiting: Run[] = []
  let open = 0
  let stopped = false

  async function lane(): Promise<void> {
    let isolate: Isolate | undefined
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      if (!isolate || isolate.retired) isolate = options.launch()
      await runAlone(run, isolate)
    }
    open -= 1
    isolate?.retire()
  }

  async function runAlone(suspect: Run, isolate: Isolate): Promise<void> {
    try {
      await isolate.ready
    } catch {
      // The modules do not load any more: another worker may know better.
      isolate.kill()
      return suspect.resolve(INTERRUPTED)
    }
    await new Promise<void>((done) => {
      const resolve: Run["resolve"] = (outcome) => {
        suspect.resolve(outcome)
        done()
      }
      if (isolate.retired) resolve(INTERRUPTED)
      else isolate.give({ number: suspect.number, job: suspect.job, resolve })
    })
  }

  return {
    add(suspect) {
      if (suspect.aborted) return suspect.resolve(unstarted(suspect.aborted))
      if (stopped) return suspect.resolve(INTERRUPTED)
      waiting.push(suspect)
      if (open >= options.lanes()) return
      open += 1
      lane()
    },
    take(isIt) {
      const found = waiting.find(isIt)
      waiting = waiting.filter((run) => run !== found)
      return found
    },
    stop() {
      stopped = true
      for (const run of waiting) run.resolve(INTERRUPTED)
      waiting = []
    },
  }
}
