import { eventually, freePort, type RedisServer, redisServer } from "./redis-server.ts"

/** A node, and where the others talk to it. */
type Node = RedisServer & { readonly busPort: number }

/** A Redis Cluster of a test's own: its masters share the slots evenly; with `spare`, one more that keeps a copy of each. */
export interface RedisCluster {
  readonly url: string
  /** The masters of the beginning, and then the spare ones in the same order. */
  readonly nodes: readonly RedisServer[]
  /** The node that has the slot of this key now, as the others see it. */
  holderOf(key: string, except?: RedisServer): Promise<RedisServer>
  /** Moves the slot of this key as redis-cli would, a few keys at a time; `between` is run when half has been moved. */
  move(key: string, to: RedisServer, between: () => Promise<void>): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const SLOTS = 16_384
/** A master that has been silent for so long is taken for dead. */
const SILENT_MS = 800

export async function redisCluster({ masters = 3, spare = false } = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: spare ? 2 * masters : masters }, startNode))
  const first = nodes[0] as Node
  const ids = await Promise.all(nodes.map(async (node) => String(await node.command("CLUSTER", "MYID"))))
  for (const [at, node] of nodes.entries()) {
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", `${at + 1}`)
    if (at < masters) {
      const [from, end] = [at, at + 1].map((part) => Math.floor((part * SLOTS) / masters)) as [number, number]
      await node.command("CLUSTER", "ADDSLOTSRANGE", `${from}`, `${end - 1}`)
    }
    if (at > 0) await node.command("CLUSTER", "MEET", "127.0.0.1", `${first.port}`, `${first.busPort}`)
  }
  const until = (node: RedisServer, text: string, ...[name, ...words]: [string, ...string[]]) =>
    eventually(async () => {
      if (!String(await node.command(name, ...words)).includes(text))
        throw new Error(`no ${text} at ${node.url}`)
    })
  for (const node of nodes) await until(node, `cluster_known_nodes:${nodes.length}`, "CLUSTER", "INFO")
  const copies = nodes.slice(masters)
  for (const [at, node] of copies.entries())
    await eventually(() => node.command("CLUSTER", "REPLICATE", ids[at] as string))
  for (const node of nodes) await until(node, "cluster_state:ok", "CLUSTER", "INFO")
  for (const node of copies) await until(node, "master_link_status:up", "INFO", "replication")

  const slotOf = async (key: string, node: RedisServer) =>
    Number(await node.command("CLUSTER", "KEYSLOT", key))
  const cluster: RedisCluster = {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,

    async holderOf(key, except) {
      const asked = nodes.find((node) => node !== except) as RedisServer
      const slot = await slotOf(key, asked)
      const ranges = (await asked.command("CLUSTER", "SLOTS")) as [number, number, [string, number]][]
      const range = ranges.find(([from, to]) => from <= slot && slot <= to)
      return nodes.find(({ port }) => port === range?.[2][1]) as RedisServer
    },

    async move(key, to, between) {
      const from = await cluster.holderOf(key)
      const slot = String(await slotOf(key, from))
      const id = (node: RedisServer) => ids[nodes.findIndex(({ port }) => port === node.port)] as string
      const keys = async (count: number) =>
        (await from.command("CLUSTER", "GETKEYSINSLOT", slot, `${count}`)) as string[]
      const carry = async (some: readonly string[]) => {
        if (some.length === 0) return
        await from.command("MIGRATE", "127.0.0.1", `${to.port}`, "", "0", "5000", "KEYS", ...some)
      }
      await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", id(from))
      await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", id(to))
      await carry((await keys(1000)).filter((_, at) => at % 2 === 0))
      await between()
      for (let left = await keys(3); left.length > 0; left = await keys(3)) await carry(left)
      for (const node of [to, from]) await node.command("CLUSTER", "SETSLOT", slot, "NODE", id(to))
    },

    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]()
    },
  }
  return cluster
}

async function startNode(): Promise<Node> {
  const busPort = await freePort()
  const flags = [
    "--cluster-enabled",
    "yes",
    "--cluster-port",
    `${busPort}`,
    "--cluster-announce-ip",
    "127.0.0.1",
  ]
  return Object.assign(await redisServer([...flags, "--cluster-node-timeout", `${SILENT_MS}`]), { busPort })
}
