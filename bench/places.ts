/** Where measures take place: an empty file, or a namespace of its own on a server of the benchmark's own. */
import { Redis } from "ioredis"
import postgres from "postgres"
import { postgresServer } from "../tests/support/postgres-server.ts"
import { redisServer } from "../tests/support/redis-server.ts"
import { inFolder } from "./child.ts"

export const STORES = ["sqlite", "redis", "postgres"] as const
export type StoreName = (typeof STORES)[number]

/** Somewhere empty to keep tasks in. */
export interface Place {
  readonly store: StoreName
  /** Stem's URL. */
  readonly broker: string
  /** The server, for other clients; empty for sqlite. */
  readonly server: string
  /** Used by nobody else on the server: a namespace, a prefix or a schema. */
  readonly name: string
  /** An empty folder. */
  readonly folder: string
}

/** A store with room for places. */
export interface Stage {
  readonly store: StoreName
  /** What the server is and how it was set up. */
  readonly server: string
  /** Gives `use` a place of its own, and clears it away afterwards. */
  inPlace<Answer>(use: (place: Place) => Promise<Answer>): Promise<Answer>
  /** Bytes that the place takes on the disk, or of a server's memory. */
  sizeOf(place: Place): Promise<number>
  /** Does now what the server does by itself within a minute or two, so that a short run may stand for a long one. */
  tidy(place: Place): Promise<void>
  close(): Promise<void>
}

/** Starts a server for it where it needs one. */
export const openStage = (store: StoreName): Promise<Stage> =>
  ({ sqlite: sqliteStage, redis: redisStage, postgres: postgresStage })[store]()

let places = 0
/** Ends so that none begins as another does. */
const newName = () => `bench_${process.pid}_${++places}_`

async function sqliteStage(): Promise<Stage> {
  return {
    store: "sqlite",
    server: "",
    inPlace: (use) =>
      inFolder((folder) =>
        use({ store: "sqlite", broker: `sqlite:${folder}/stem.db`, server: "", name: "bench", folder }),
      ),
    async sizeOf({ folder }) {
      const files = [...new Bun.Glob("*").scanSync({ cwd: folder, absolute: true })]
      return files.reduce((total, path) => total + Bun.file(path).size, 0)
    },
    async tidy() {},
    async close() {},
  }
}

async function redisStage(): Promise<Stage> {
  // Rewriting the log takes a core for a second or two: whoever had it in his round would pay for everybody.
  const server = await redisServer(["--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"])
  const redis = new Redis(server.url)
  const fact = async (section: string, name: string) =>
    new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(await redis.info(section))?.[1] ?? ""
  return {
    store: "redis",
    server: `Redis ${await fact("server", "redis_version")}, AOF everysec and not rewritten meanwhile, nothing evicted`,
    inPlace: (use) =>
      inFolder(async (folder) => {
        const name = newName()
        try {
          return await use({ store: "redis", broker: server.url, server: server.url, name, folder })
        } finally {
          await remove(`*${name}*`)
        }
      }),
    sizeOf: async () => Number(await fact("memory", "used_memory")),
    async tidy() {},
    async close() {
      redis.disconnect()
      await server[Symbol.asyncDispose]()
    },
  }

  async function remove(pattern: string): Promise<void> {
    let cursor = "0"
    do {
      const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", 10_000)
      if (keys.length > 0) await redis.del(...keys)
      cursor = next
    } while (cursor !== "0")
  }
}

/** Of a machine for a database, rather than of the smallest machine that Postgres runs on. */
const SETTINGS = ["shared_buffers = 512MB", "max_wal_size = 4GB", "max_connections = 100"]

async function postgresStage(): Promise<Stage> {
  const server = await postgresServer({ settings: SETTINGS })
  const sql = postgres(server.url, { max: 1, onnotice() {} })
  const [version] = await sql`SHOW server_version`
  return {
    store: "postgres",
    server: `Postgres ${String(version?.server_version).split(" ")[0]}, fsync and synchronous_commit on, ${SETTINGS.join(", ")}`,
    inPlace: (use) =>
      inFolder(async (folder) => {
        const name = newName()
        const broker = `${server.url}?schema=${name}`
        try {
          return await use({ store: "postgres", broker, server: server.url, name, folder })
        } finally {
          await sql.unsafe(`DROP SCHEMA IF EXISTS ${name} CASCADE`)
          // What this round has written is not for the next to flush.
          await sql.unsafe("CHECKPOINT")
        }
      }),
    async sizeOf({ name }) {
      const [found] = await sql`
        SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c
        WHERE c.relnamespace = ${name}::regnamespace AND c.relkind = 'r'`
      return Number(found?.bytes)
    },
    async tidy({ name }) {
      await sql.unsafe(`VACUUM (ANALYZE) ${name}.tasks, ${name}.statuses, ${name}.events`)
    },
    async close() {
      await sql.end()
      await server.remove()
    },
  }
}
