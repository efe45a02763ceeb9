import { closest } from "../kit/closest.ts"
import { invalid } from "../kit/errors.ts"
import { SETTING_KEYS, SETTINGS, type SettingKey } from "./settings.ts"

/** A stem.toml as it was found. */
export interface ConfigFile {
  /** As people are told of it: `stem.toml`, `../stem.toml`. */
  readonly name: string
  /** Where it stands; relative paths in it are meant from here. */
  readonly directory: string
  readonly text: string
}

/**
 * The settings a stem.toml names, still unchecked. Throws `invalid_config` naming file and line for text that is
 * not TOML, file and key for a setting that does not exist.
 */
export async function readConfigFile(file: ConfigFile): Promise<ReadonlyMap<SettingKey, unknown>> {
  const found = new Map<SettingKey, unknown>()
  const { schedules, routing: _, aliases: __, queues: ___, ...settings } = await readToml(file)
  // Schedules are read by those who need them; anything else of this name is a mistake. Routing and the limits of queues are read beside.
  collect(file, isTable(schedules) || schedules === undefined ? settings : { schedules }, "", found)
  return found
}

/** The tables of a stem.toml. Throws `invalid_config` naming file and line for text that is not TOML. */
export async function readToml(file: ConfigFile): Promise<Record<string, unknown>> {
  // Most runs have no stem.toml; they do not pay for its parser.
  const { parse, TomlError } = await import("smol-toml")
  try {
    return parse(file.text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = (error.message.split("\n")[0] ?? "").replace("Invalid TOML document: ", "")
    throw invalid("invalid_config", `${file.name}:${error.line}:${error.column}: ${reason}`)
  }
}

function collect(
  file: ConfigFile,
  table: Record<string, unknown>,
  prefix: string,
  found: Map<SettingKey, unknown>,
): void {
  for (const [name, value] of Object.entries(table)) {
    const key = `${prefix}${name}`
    if (isSetting(key)) found.set(key, value)
    else if (isTable(value) && SETTING_KEYS.some((known) => known.startsWith(`${key}.`)))
      collect(file, value, `${key}.`, found)
    else throw unknown(file, key, value)
  }
}

const isSetting = (key: string): key is SettingKey =>
  Object.hasOwn(SETTINGS, key) && SETTINGS[key as SettingKey].file

/** Whether this is a table of TOML. */
export const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

function unknown(file: ConfigFile, key: string, value: unknown) {
  const known = SETTING_KEYS.filter(isSetting)
  const tables = new Set(known.flatMap((name) => (name.includes(".") ? [name.split(".")[0] as string] : [])))
  const meant = closest(key, isTable(value) ? tables : known)
  return invalid(
    "invalid_config",
    `${file.name}: ${key}: there is no such setting`,
    meant ? `Did you mean ${meant}?` : `Settings: ${known.join(", ")}.`,
  )
}
