/** Where one `makeStem` keeps its tasks: a file of its own, or a namespace of its own on the server that tests share. */
import { join } from "node:path"
import { POSTGRES_URL, postgresStore } from "../support/postgres-store.ts"
import { REDIS_URL, redisStore } from "../support/redis-store.ts"

/** Every store that commands are tried on. */
export const STORES = ["sqlite", "redis", "postgres"] as const
export type StoreName = (typeof STORES)[number]

export interface Place {
  /** What a command needs to find it. */
  readonly env: Readonly<Record<string, string>>
  /** The namespace that is used when none is given. */
  readonly namespace: string
  /** The name of another one that nobody else uses. */
  beside(name: string): string
  /** Removes what lies there, but for files. */
  clear(): Promise<void>
}

export function placeOn(store: StoreName, folder: string): Place {
  if (store === "sqlite")
    return {
      // As users have it: no namespace is named.
      ...{ env: { STEM_BROKER_URL: `sqlite:${join(folder, "stem.db")}` }, namespace: "stem" },
      beside: (name) => name,
      async clear() {},
    }
  const namespace = `cli-${crypto.randomUUID()}`
  const url = store === "redis" ? REDIS_URL : POSTGRES_URL
  return {
    ...{ env: { STEM_BROKER_URL: url, STEM_NAMESPACE: namespace }, namespace },
    beside: (name) => `${namespace}-${name}`,
    clear: () => (store === "redis" ? clearRedis(namespace) : clearPostgres(namespace)),
  }
}

/** Every key whose hash tag begins so. */
const clearRedis = (namespace: string) =>
  redisStore().behind(async (redis) => {
    for await (const keys of redis.scanStream({ match: `stem:{${namespace}*`, count: 10_000 }))
      if (keys.length > 0) await redis.unlink(...keys)
  })

/** Tasks are what may be many; what is left of a namespace is a handful of small rows. */
async function clearPostgres(namespace: string): Promise<void> {
  const of = "ns IN (SELECT ns FROM stem.namespaces WHERE starts_with(name, $1))"
  const store = postgresStore()
  for (const table of ["tasks", "statuses", "dead_letters", "schedules"])
    await store.behind(`DELETE FROM stem.${table} WHERE ${of}`, [namespace])
}
