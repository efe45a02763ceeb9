import type { Migration } from "../../core/contracts/driver.ts"
import { invalid, unavailable } from "../../core/kit/errors.ts"
import type { Client } from "./connection.ts"
import { mastersOf } from "./nodes.ts"

/** What the keys of a namespace look like; written into it when it is first used. */
export const FORMAT = 1

const OLDEST = 7

/**
 * Greets a server: it must be new enough, and the namespace not written by a newer Stem. Throws `store_too_old` or
 * `store_too_new`.
 */
export async function greet(client: Client, prefix: string, where: string): Promise<void> {
  const [info, format] = await Promise.all([client.info("server"), client.get(`${prefix}format`)])
  const version = /redis_version:(\S+)/.exec(info)?.[1] ?? "0"
  if (Number.parseInt(version, 10) < OLDEST)
    throw unavailable(
      "store_too_old",
      `${where} is Redis ${version}, and Stem needs ${OLDEST} or newer`,
      "Upgrade the server; its data is kept.",
    )
  refuseNewer(format, where)
  if (format === null) await client.set(`${prefix}format`, FORMAT, "NX")
}

function refuseNewer(format: string | null, where: string): void {
  if (Number(format ?? FORMAT) > FORMAT)
    throw invalid(
      "store_too_new",
      `${where} holds tasks in format ${format}, and this Stem knows ${FORMAT}`,
      "Use the newer Stem that wrote them, or another namespace.",
    )
}

/** What would have to be done to the namespaces of a server: nothing yet, for there is only one format. */
export async function pendingMigration(client: Client, where: string): Promise<Migration> {
  for (const node of await mastersOf(client)) {
    let cursor = "0"
    do {
      const [next, keys] = await node.scan(cursor, "MATCH", "stem:{*}:format", "COUNT", 1000)
      for (const key of keys) refuseNewer(await client.get(key), where)
      cursor = next
    } while (cursor !== "0")
  }
  return { from: FORMAT, to: FORMAT, statements: [] }
}
