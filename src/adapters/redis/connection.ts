import { readFile } from "node:fs/promises"
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis"
import type { DriverOptions, TlsFiles } from "../../core/contracts/driver.ts"
import type { Millis } from "../../core/kit/clock.ts"
import { invalid, messageOf, StemError, unavailable } from "../../core/kit/errors.ts"
import { createLink, type Link } from "../../core/kit/link.ts"
import { machineClock } from "../machine-clock.ts"
import { connectTrouble, isBroken } from "./failures.ts"
import { type Location, locate } from "./location.ts"

/** A connection of the client library: to one server, or to the nodes of a cluster. */
export type Client = Redis | Cluster

const CONNECT_MS: Millis = 5000
const CALL_MS: Millis = 5000
/** All that the client library tells of the last node of a cluster that could not be reached. */
const SAYS_NOTHING = /^Connection is closed/
/** A namespace that is on its way to another node is tried again so often; of three tries two only ask where it is. */
const MOVING_MS: Millis = 100
const MOVING_TRIES = 3 * 40

/** The one connection of a driver. It speaks RESP3, so that calls and published hints share it. */
export function createConnection(
  url: string,
  { freshUrl, tls, connectTimeoutMs = CONNECT_MS }: Omit<DriverOptions, "clock">,
  /** What must be true of a server before it is used. */
  greet: (client: Client) => Promise<void>,
): Link<Client> & { readonly where: string } {
  const where = locate(url).shown
  const ends = new WeakMap<Client, () => void>()

  const link = createLink<Client>({
    ...{ clock: machineClock, where, connectMs: connectTimeoutMs },
    // A call may have to wait for a connection first.
    callMs: Math.max(CALL_MS, connectTimeoutMs),
    async connect() {
      const location = locate(freshUrl ? await freshUrl() : url)
      const client = createClient(location, await readTls(location, tls), connectTimeoutMs)
      let reason: unknown
      client.on("error", (error) => {
        const told = (error as { lastNodeError?: unknown }).lastNodeError ?? error
        if (!SAYS_NOTHING.test(messageOf(told))) reason ??= told
      })
      client.once("end", () => ends.get(client)?.())
      try {
        await client.connect()
        await greet(client)
      } catch (error) {
        // Ending what has ended already would leave a timer behind, which a program could not exit before.
        if (client.status !== "end") client.disconnect()
        if (error instanceof StemError) throw error
        throw connectTrouble(reason ?? error, where, location.tls)
      }
      return client
    },
    destroy(client) {
      client.disconnect()
      // A stopped server never answers a polite end; the socket is not left to wait for it.
      if (client instanceof Redis) (client as { stream?: { destroy(): void } }).stream?.destroy()
    },
    broken: isBroken,
    onEnd: (client, ended) => void ends.set(client, ended),
  })
  return Object.defineProperties(
    { where } as Link<Client> & { where: string },
    Object.getOwnPropertyDescriptors(link),
  )
}

/**
 * ioredis with its own reconnecting, queueing and retrying switched off: the link decides, and nobody else. But a cluster
 * may have moved what is asked for, and only ioredis knows where its nodes are.
 */
function createClient(location: Location, tls: RedisOptions["tls"], connectTimeout: Millis): Client {
  const { hosts, username, password, db } = location
  const options: RedisOptions = {
    ...{ lazyConnect: true, retryStrategy: null, reconnectOnError: null, enableOfflineQueue: false },
    ...{ enableReadyCheck: false, autoResubscribe: false, autoResendUnfulfilledCommands: false },
    ...{ maxRetriesPerRequest: 0, disableClientInfo: true, protocol: 3, connectTimeout, db },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls }),
  } as RedisOptions
  if (location.kind === "server") return new Redis({ ...options, ...hosts[0] })
  if (location.kind === "sentinel")
    return new Redis({
      ...options,
      ...{ sentinels: [...hosts], name: location.master as string, sentinelRetryStrategy: () => null },
      ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
    } as RedisOptions)
  const cluster = {
    // Its check whether the cluster is whole would leave `connect` waiting for ever when it is not.
    ...{ lazyConnect: true, enableOfflineQueue: false, enableReadyCheck: false },
    ...{ clusterRetryStrategy: () => null, retryDelayOnClusterDown: 0 },
    ...{ retryDelayOnTryAgain: MOVING_MS, maxRedirections: MOVING_TRIES },
    ...{ redisOptions: options, shardedSubscribers: true, slotsRefreshTimeout: connectTimeout },
  }
  return new Cluster([...hosts], cluster as unknown as ClusterOptions)
}

/** The files of this moment; undefined where the URL asks for no TLS. */
async function readTls({ tls, hosts }: Location, files: TlsFiles | undefined): Promise<RedisOptions["tls"]> {
  if (!tls) return undefined
  const read = async (path: string | undefined) => {
    if (path === undefined) return undefined
    try {
      return await readFile(path, "utf8")
    } catch (error) {
      throw unavailable(
        "store_tls_file",
        `${path} can not be read`,
        "Check the path, and who may read it.",
        error,
      )
    }
  }
  if ((files?.cert === undefined) !== (files?.key === undefined))
    throw invalid("invalid_tls_files", "a certificate and its key go together", "Name both files, or none.")
  const [ca, cert, key] = await Promise.all([read(files?.ca), read(files?.cert), read(files?.key)])
  const host = hosts[0]?.host as string
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
    // An address has no name that could be asked for.
    ...(!/^[\d.]+$|:/.test(host) && { servername: host }),
  }
}
