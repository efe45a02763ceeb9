import { Cluster, type Redis } from "ioredis"
import { unavailable } from "../../core/kit/errors.ts"
import type { Client } from "./connection.ts"

/** The slot of a name is the same in every cluster. */
const slots = new Map<string, number>()

/**
 * The node of a cluster that has this key, or the one server. What names no key, as INFO and TIME, would go to any node
 * of a cluster. Throws `unavailable` while no node has it.
 */
export async function nodeOf(client: Client, key: string): Promise<Redis> {
  if (!(client instanceof Cluster)) return client
  const slot = slots.get(key) ?? Number(await client.cluster("KEYSLOT", key))
  slots.set(key, slot)
  const holder = client.slots[slot]?.[0]
  const node = client.nodes("master").find(({ options }) => `${options.host}:${options.port}` === holder)
  if (!node) throw unavailable("store_away", `no node of the cluster has slot ${slot}`)
  return ready(node)
}

/** All nodes of a cluster that have keys of their own, or the one server. */
export const mastersOf = (client: Client): Promise<readonly Redis[]> =>
  Promise.all(client instanceof Cluster ? client.nodes("master").map(ready) : [client])

/** The client library connects to a node when it first sends it something, which we do not let it keep until then. */
async function ready(node: Redis): Promise<Redis> {
  if (node.status === "wait") await node.connect()
  return node
}
