/** What a store says itself about the results that Stem left in it, asked without Stem. */
import { Database } from "bun:sqlite"
import { join } from "node:path"
import { Redis } from "ioredis"
import postgres from "postgres"
import type { Place, StoreName } from "../places.ts"
import { type Found, mustBeExact } from "./system.ts"

/** Throws unless each of the tasks has succeeded once, with its own result. */
export const check = async (place: Place, tasks: number): Promise<void> =>
  mustBeExact(tasks, await ASK[place.store](place))

const ASK: Record<StoreName, (place: Place) => Promise<Found>> = {
  async sqlite({ folder }) {
    const db = new Database(join(folder, "stem.db"), { readonly: true })
    const found = db
      .query(
        `SELECT count(*) AS count, count(DISTINCT id) AS ids, sum(json_extract(status, '$.result')) AS sum
         FROM statuses WHERE state = 'succeeded'`,
      )
      .get()
    db.close()
    return found as Found
  },

  async redis({ server, name }) {
    const redis = new Redis(server)
    const results = new Map<string, number>()
    let cursor = "0"
    do {
      const [next, pairs] = await redis.hscan(`stem:{${name}}:statuses`, cursor, "COUNT", 10_000)
      for (let at = 0; at < pairs.length; at += 2) {
        const { state, result } = JSON.parse(/\{.*$/s.exec(pairs[at + 1] as string)?.[0] ?? "null")
        // A scan may show the same one twice while the hash is resized.
        if (state === "succeeded") results.set(pairs[at] as string, result)
      }
      cursor = next
    } while (cursor !== "0")
    // A member lists those that ended in one instant and one call.
    const members = await redis.zrange(`stem:{${name}}:ended:succeeded`, "0", "-1")
    const count = members.flatMap((member) => String(member).split(" ")).length
    redis.disconnect()
    return { count, ids: results.size, sum: results.values().reduce((total, result) => total + result, 0) }
  },

  async postgres({ server, name }) {
    const sql = postgres(server, { max: 1 })
    const [found] = await sql`
      SELECT count(*) AS count, count(DISTINCT id) AS ids, sum((status::json ->> 'result')::bigint) AS sum
      FROM ${sql(name)}.statuses WHERE state = 'succeeded'`
    await sql.end()
    return { count: Number(found?.count), ids: Number(found?.ids), sum: Number(found?.sum) }
  },
}
