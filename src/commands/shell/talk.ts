import type { LogLevel } from "../../core/config/config.ts"
import { clean, type Paint } from "./terminal.ts"

/** What is said to people, on stderr. Data never goes this way. */
export interface Talk {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown> & { hint?: string | undefined }): void
  /** Replaces the level and the form, once the configuration is known. */
  set(choice: { level?: LogLevel | undefined; json?: boolean | undefined }): void
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }

/** Whether a line of this level is shown where the least is `least`. */
export const isShown = (level: LogLevel, least: LogLevel): boolean => ORDER[level] >= ORDER[least]

export function createTalk(
  paint: Paint,
  choice: { level: LogLevel; json: boolean },
  print: (line: string) => void,
): Talk {
  let { level: least, json } = choice
  const say = (level: LogLevel, message: string, fields: Record<string, unknown> = {}) => {
    if (!isShown(level, least)) return
    if (json) {
      print(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }))
      return
    }
    const mark =
      level === "error" ? paint("red", "error: ") : level === "warn" ? paint("yellow", "warning: ") : ""
    const { hint } = fields as { hint?: string }
    print(`${mark}${clean(message)}${hint ? `\n${paint("dim", clean(hint))}` : ""}`)
  }
  return {
    debug: (message, fields) => say("debug", message, fields),
    info: (message, fields) => say("info", message, fields),
    warn: (message, fields) => say("warn", message, fields),
    error: (message, fields) => say("error", message, fields),
    set(next) {
      least = next.level ?? least
      json = next.json ?? json
    },
  }
}
