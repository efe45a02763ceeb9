import * as v from "valibot"
import { invalid } from "../kit/errors.ts"
import type { Origin, QueueAlias, Routing, RoutingRule } from "../policy/routing.ts"
import { Name } from "../task/envelope.ts"
import { type ConfigFile, isTable, readToml } from "./file.ts"

const PATTERN = /^[\p{L}\p{N}_.:/*?-]{1,200}$/u
const RULE_FIELDS = ["queue", "priority"]

/**
 * What these files say of routing; the rules of the nearest come first. Throws `invalid_config` naming file and key for a
 * pattern, a queue, a priority or a field that is none.
 */
export async function routingOf(files: readonly ConfigFile[]): Promise<Routing> {
  const rules: RoutingRule[] = []
  const aliases: QueueAlias[] = []
  for (const file of files) {
    // Most files say nothing of it.
    if (!/routing|aliases/.test(file.text)) continue
    const { routing, aliases: named } = await readToml(file)
    for (const [pattern, value] of entriesOf(file, "routing", routing))
      rules.push(ruleOf(file, pattern, value))
    for (const [alias, queue] of entriesOf(file, "aliases", named)) aliases.push(aliasOf(file, alias, queue))
  }
  const others = new Map(aliases.map((one) => [one.alias, one]))
  for (const { from, queue } of aliases)
    if (others.has(queue))
      throw invalid(
        "invalid_config",
        `${from.file}: ${from.key}: "${queue}" is itself an alias`,
        "Name the queue that it means.",
      )
  return { rules, aliases }
}

function entriesOf(file: ConfigFile, key: string, value: unknown): [string, unknown][] {
  if (value === undefined) return []
  if (isTable(value)) return Object.entries(value)
  throw invalid("invalid_config", `${file.name}: ${key}: it is no table`, `Write [${key}].`)
}

function ruleOf(file: ConfigFile, pattern: string, value: unknown): RoutingRule {
  const from = { file: file.name, key: `routing.${written(pattern)}` }
  const refuse = refusal(from)
  if (!PATTERN.test(pattern))
    throw refuse(
      "this is no pattern of task names",
      "A name, in which * is any run of characters and ? any one.",
    )
  // Keys of this form lose their place among the others.
  if (/^\d+$/.test(pattern))
    throw refuse("a pattern needs more than digits", `Write "${pattern}*", or name the task otherwise.`)
  const rule = typeof value === "string" ? { queue: value } : value
  if (!isTable(rule)) throw refuse("it says neither a queue nor a priority", EXAMPLE)
  for (const field of Object.keys(rule))
    if (!RULE_FIELDS.includes(field))
      throw refuse(
        `"${field}" is no field of a rule`,
        `Fields: ${RULE_FIELDS.join(", ")}. A pattern with dots stands in quotes.`,
      )
  const { queue, priority } = rule
  if (queue === undefined && priority === undefined)
    throw refuse("it says neither a queue nor a priority", EXAMPLE)
  if (queue !== undefined && !v.is(Name, queue))
    throw refuse(`${JSON.stringify(queue)} is not a queue's name`)
  if (
    priority !== undefined &&
    !(Number.isInteger(priority) && Number(priority) >= 0 && Number(priority) <= 9)
  )
    throw refuse(`priority: ${JSON.stringify(priority)} is not a whole number from 0 to 9`)
  return {
    ...{ pattern, from },
    ...(queue !== undefined && { queue: queue as string }),
    ...(priority !== undefined && { priority: Number(priority) }),
  }
}

const refusal =
  ({ file, key }: Origin) =>
  (message: string, hint?: string) =>
    invalid("invalid_config", `${file}: ${key}: ${message}`, hint)

const EXAMPLE = 'As in "image.*" = "media", or "image.*" = { queue = "media", priority = 7 }.'

function aliasOf(file: ConfigFile, alias: string, queue: unknown): QueueAlias {
  const from = { file: file.name, key: `aliases.${written(alias)}` }
  const refuse = refusal(from)
  if (!v.is(Name, alias)) throw refuse("this is not a queue's name")
  if (!v.is(Name, queue))
    throw refuse(`${JSON.stringify(queue)} is not a queue's name`, 'As in pictures = "media".')
  return { alias, queue, from }
}

/** A key as it is written in TOML. */
const written = (key: string) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))

/** How a rule or an alias is shown beside the settings. */
export const shownRouting = ({ rules, aliases }: Routing) => [
  ...rules.map(({ queue, priority, from }) => ({
    ...{ key: from.key, origin: from.file },
    shown: { ...(queue !== undefined && { queue }), ...(priority !== undefined && { priority }) },
  })),
  ...aliases.map(({ queue, from }) => ({ key: from.key, origin: from.file, shown: queue })),
]
