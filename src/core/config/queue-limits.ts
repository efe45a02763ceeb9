import * as v from "valibot"
import { invalid, messageOf, StemError } from "../kit/errors.ts"
import { parseRate } from "../kit/rate.ts"
import type { QueueRule } from "../policy/limit-keys.ts"
import type { Origin, Routing } from "../policy/routing.ts"
import { Name } from "../task/envelope.ts"
import type { Bucket } from "../task/limit.ts"
import { type ConfigFile, isTable, readToml } from "./file.ts"

const FIELDS = ["rate-limit", "concurrency"]

/**
 * The limits of `[queues.NAME]` tables; of two for one queue the nearer file's. Throws `invalid_config` naming file and
 * key for a field that is none, a rate or a number that can not be read.
 */
export async function queueLimitsOf(files: readonly ConfigFile[]): Promise<readonly QueueRule[]> {
  const rules = new Map<string, QueueRule>()
  for (const file of files) {
    // Most files say nothing of it.
    if (!/queues/.test(file.text)) continue
    const { queues } = await readToml(file)
    if (queues === undefined) continue
    if (!isTable(queues))
      throw wrong({ file: file.name, key: "queues" }, "it is no table", "Write [queues.NAME].")
    for (const [queue, table] of Object.entries(queues)) {
      const rule = ruleOf(file, queue, table)
      if (!rules.has(queue)) rules.set(queue, rule)
    }
  }
  return [...rules.values()]
}

function ruleOf(file: ConfigFile, queue: string, table: unknown): QueueRule {
  const from = {
    file: file.name,
    key: `queues.${/^[A-Za-z0-9_-]+$/.test(queue) ? queue : JSON.stringify(queue)}`,
  }
  if (!v.is(Name, queue)) throw wrong(from, "this is not a queue's name")
  if (!isTable(table)) throw wrong(from, "it is no table", EXAMPLE)
  for (const field of Object.keys(table))
    if (!FIELDS.includes(field))
      throw wrong(from, `"${field}" is no field of a queue`, `Fields: ${FIELDS.join(", ")}.`)
  const { "rate-limit": rate, concurrency: most } = table
  if (most !== undefined && !(Number.isInteger(most) && Number(most) >= 1))
    throw wrong(from, `concurrency: ${JSON.stringify(most)} is not a whole number from 1 on`)
  return {
    ...{ queue, from, shown: table },
    limits: {
      ...(rate !== undefined && { bucket: bucketOf(from, rate) }),
      ...(most !== undefined && { most: Number(most) }),
    },
  }
}

function bucketOf(from: Origin, rate: unknown): Bucket {
  const { limit, burst = 1, ...others } = isTable(rate) ? rate : { limit: rate }
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined)
    throw wrong(from, `rate-limit: "${unknown}" is no field of it`, "Fields: limit, burst.")
  if (!Number.isInteger(burst) || Number(burst) < 1)
    throw wrong(from, `rate-limit: burst: ${JSON.stringify(burst)} is not a whole number from 1 on`)
  if (typeof limit !== "string") throw wrong(from, "rate-limit: it is not text", EXAMPLE)
  try {
    const { count, perMs } = parseRate(limit)
    return { everyMs: perMs / count, burst: Number(burst) }
  } catch (error) {
    throw wrong(from, `rate-limit: ${messageOf(error)}`, error instanceof StemError ? error.hint : undefined)
  }
}

const wrong = ({ file, key }: Origin, message: string, hint?: string) =>
  invalid("invalid_config", `${file}: ${key}: ${message}`, hint)

const EXAMPLE = 'As in rate-limit = "100/m", or rate-limit = { limit = "100/m", burst = 5 }.'

/** Throws `invalid_config` where a table has another name for a queue: its limits would hold for nothing. */
export function refuseAliases(rules: readonly QueueRule[], { aliases }: Pick<Routing, "aliases">): void {
  for (const { queue, from } of rules) {
    const known = aliases.find(({ alias }) => alias === queue)
    if (known) throw wrong(from, `"${queue}" is an alias`, `Write [queues.${known.queue}].`)
  }
}

/** How the limits are shown beside the settings. */
export const shownQueueLimits = (rules: readonly QueueRule[]) =>
  rules.map(({ from, shown }) => ({ key: from.key, origin: from.file, shown }))
