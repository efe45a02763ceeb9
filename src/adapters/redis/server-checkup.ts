import type { Finding } from "../../core/contracts/driver.ts"
import type { Store } from "./store.ts"

/** So full that it is time to act: a full server takes no new tasks. */
const NEARLY_FULL = 0.9

/** What the server says of itself: what it evicts, what it keeps on its disk, and how full it is. */
export async function inspectServer(store: Store): Promise<Finding[]> {
  const info = await store.useNode((node) => node.info())
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? ""
  return [
    ...inspectEviction(value("maxmemory_policy")),
    ...inspectMemory(Number(value("used_memory")), Number(value("maxmemory"))),
    ...(await inspectPersistence(store, value)),
  ]
}

function inspectEviction(policy: string): Finding[] {
  if (policy === "" || policy === "noeviction") return []
  return [
    {
      level: "problem",
      subject: "eviction",
      message: `maxmemory-policy is ${policy}: when memory is short the server throws tasks away`,
      fix: "redis-cli CONFIG SET maxmemory-policy noeviction, and write it into redis.conf",
    },
  ]
}

function inspectMemory(used: number, most: number): Finding[] {
  if (most === 0 || used < most * NEARLY_FULL) return []
  return [
    {
      level: "problem",
      subject: "memory",
      message: `${Math.round((used / most) * 100)} % of maxmemory is used; a full server takes no new tasks`,
      fix: "Raise it (redis-cli CONFIG SET maxmemory <bytes>), drain the queues, or shorten the retention of results.",
    },
  ]
}

async function inspectPersistence(store: Store, value: (name: string) => string): Promise<Finding[]> {
  if (value("aof_enabled") === "1") {
    if (value("aof_last_write_status") !== "err") return []
    const message = "the server can not write its append-only file"
    return [
      { level: "problem", subject: "persistence", message, fix: "Free its disk: redis-cli INFO persistence" },
    ]
  }
  // A managed server may not tell.
  const saves = await store
    .useNode((node) => node.config("GET", "save") as Promise<string[]>)
    .then(
      ([, points]) => points !== "",
      () => true,
    )
  const fix = "redis-cli CONFIG SET appendonly yes, and write it into redis.conf"
  if (!saves)
    return [
      {
        ...{ level: "problem", subject: "persistence", fix },
        message: "nothing is written to the disk: a restart of the server loses every task",
      },
    ]
  return [
    {
      ...{ level: "warning", subject: "persistence", fix },
      message: "only snapshots are written: a crash of the server loses the tasks since the last one",
    },
  ]
}
