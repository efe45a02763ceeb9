import type { LogConfig, LogLevel } from "../../core/config/config.ts"
import type { Listener, WorkerEvent } from "../../core/observe/events.ts"
import type { Shell } from "../shell/command.ts"
import { isShown } from "../shell/talk.ts"
import { cleanJson, cleanLine, type Paint, painter, wantsColor } from "../shell/terminal.ts"
import { type Line, lineOf } from "./lines.ts"

/** The worker's log, on stderr. */
export interface Log {
  readonly hear: Listener
  say(level: Exclude<LogLevel, "silent">, event: string, message: string): void
  /** Writes what is gathered. */
  flush(): void
}

/**
 * Writes events as lines people read, or as JSON, one object a line. Lines of one turn of the event loop are
 * written together, for a busy worker ends thousands of tasks a second.
 */
export function startLog(shell: Shell, { level: least, format }: LogConfig): Log {
  const paint = painter(wantsColor(shell.color, shell.env, shell.terminal.stderr))
  let lines: string[] = []
  const flush = () => {
    if (lines.length === 0) return
    const text = lines.join("\n")
    lines = []
    shell.stderr.print(text)
  }
  const write = (line: Line) => {
    if (!isShown(line.level, least)) return
    if (lines.length === 0) setImmediate(flush)
    lines.push(format === "json" ? asJson(line) : asText(line, paint))
  }
  return {
    hear: (event: WorkerEvent) => write(lineOf(event)),
    say: (level, event, message) => write({ level, event, message, fields: {} }),
    flush,
  }
}

const asJson = ({ level, event, message, fields }: Line) =>
  cleanJson({ time: new Date().toISOString(), level, event, message, ...fields })

const COLORS = { debug: "dim", info: "green", warn: "yellow", error: "red" } as const

function asText({ level, message, fields }: Line, paint: Paint): string {
  const time = new Date().toTimeString().slice(0, 8)
  const { id, extra } = fields as { id?: string; extra?: object }
  const tail = [id && cleanLine(id), extra && Object.keys(extra).length > 0 && cleanJson(extra)].filter(
    Boolean,
  )
  return `${paint("dim", time)} ${paint(COLORS[level], level.padEnd(5))} ${cleanLine(message)}${
    tail.length === 0 ? "" : paint("dim", ` ${tail.join(" ")}`)
  }`
}
