import type { ExtensionNote } from "../../src/core/contracts/extensions.ts"
import type { HandlerAsk, IsolateHooks, IsolateLine } from "../../src/core/contracts/isolates.ts"
import type { ChildAsk } from "../../src/core/task/child.ts"
import type { Progress } from "../../src/core/task/status.ts"

type Death = Parameters<IsolateHooks["died"]>[0]

/** Hooks that remember what they were told, and whom a test can ask to wait until something has been told. */
export interface HookLog {
  readonly hooks: IsolateHooks
  readonly lines: IsolateLine[]
  readonly progress: { id: string; token: number; progress: Progress }[]
  readonly asks: ChildAsk[]
  readonly questions: HandlerAsk[]
  readonly deaths: Death[]
  readonly notes: ExtensionNote[]
  /** Why no isolate could be started, "" for when one could again, and the files that had changed. */
  readonly news: (string | readonly string[])[]
  /** Resolves as soon as the condition holds, looking again after each thing told. */
  until(condition: () => boolean): Promise<void>
  /** Resolves when a handler has logged this message so often. */
  said(message: string, times?: number): Promise<void>
}

export function hookLog(enqueue?: IsolateHooks["enqueue"], ask?: IsolateHooks["ask"]): HookLog {
  const waiting = new Set<() => void>()
  const told = <T>(list: T[], item: T) => {
    list.push(item)
    for (const look of waiting) look()
  }
  const log: HookLog = {
    lines: [],
    progress: [],
    asks: [],
    questions: [],
    deaths: [],
    notes: [],
    news: [],
    until: (condition) =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    said: (message, times = 1) =>
      log.until(() => log.lines.filter((line) => line.message === message).length >= times),
    hooks: {
      progress: (id, token, progress) => told(log.progress, { id, token, progress }),
      log: (line) => told(log.lines, line),
      async enqueue(ask) {
        told(log.asks, ask)
        return enqueue ? enqueue(ask) : (ask.options.id as string)
      },
      async ask(question) {
        told(log.questions, question)
        return ask ? ask(question) : question.kind === "flow" ? question.id : null
      },
      note: (note) => told(log.notes, note),
      died: (death) => told(log.deaths, death),
      unable: (reason) => told(log.news, reason),
      able: () => told(log.news, ""),
      differs: ({ files }) => told(log.news, files),
    },
  }
  return log
}
