import { createConsola, type LogObject } from "consola/core"
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

/** Stem's levels as consola counts them. */
const LEVELS: Record<LogLevel, number> = { debug: 4, info: 3, warn: 1, error: 0, silent: -1 }

/** Whether a line of this level is shown where the least is `least`. */
export const isShown = (level: LogLevel, least: LogLevel): boolean => LEVELS[level] <= LEVELS[least]

export function createTalk(
  paint: Paint,
  choice: { level: LogLevel; json: boolean },
  print: (line: string) => void,
): Talk {
  let { json } = choice
  const consola = createConsola({
    level: LEVELS[choice.level],
    // consola would fold repeated lines, which is right for people and wrong for a log.
    throttle: 0,
    reporters: [{ log: (line) => print(json ? asJson(line) : asText(line, paint)) }],
  })
  return {
    debug: (message, fields) => consola.debug(message, fields ?? {}),
    info: (message, fields) => consola.info(message, fields ?? {}),
    warn: (message, fields) => consola.warn(message, fields ?? {}),
    error: (message, fields) => consola.error(message, fields ?? {}),
    set(next) {
      if (next.level !== undefined) consola.level = LEVELS[next.level]
      json = next.json ?? json
    },
  }
}

/** What {@link createTalk} hands to consola: a message and its fields. */
const partsOf = ({ args }: LogObject) => args as [message: string, fields: { hint?: string }]

function asJson(line: LogObject): string {
  const [message, fields] = partsOf(line)
  return JSON.stringify({ time: line.date.toISOString(), level: line.type, message, ...fields })
}

function asText(line: LogObject, paint: Paint): string {
  const [message, { hint }] = partsOf(line)
  const mark =
    line.type === "error" ? paint("red", "error: ") : line.type === "warn" ? paint("yellow", "warning: ") : ""
  return `${mark}${clean(message)}${hint ? `\n${paint("dim", clean(hint))}` : ""}`
}
