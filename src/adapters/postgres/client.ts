import { connect as connectSocket, type Socket } from "node:net"
import postgres from "postgres"
import type { DriverOptions } from "../../core/contracts/driver.ts"
import { unavailable } from "../../core/kit/errors.ts"
import { connectTrouble } from "./failures.ts"
import { type Location, locate, whereOf } from "./location.ts"
import { tlsOptions } from "./tls.ts"

/** A value of a statement. Lists are given as text; see sql-values.ts. */
export type Value = string | number | boolean | null

/** One connection to a server, logged in and set up. */
export interface Client {
  /** Runs one statement. */
  query<Row>(text: string, values: readonly Value[]): Promise<readonly Row[]>
  /** Runs a script of several statements, without values. */
  script(text: string): Promise<void>
  /** The server's version as a number: 150004. */
  readonly version: number
  /** The process that serves this session, unless it is pooled. */
  readonly pid: number
  /** Whether there is a pooler between: another session may answer each transaction. */
  readonly pooled: boolean
  /** Called with the payload of a notification. */
  heard: (payload: string) => void
  /** Called once, when the connection is over. */
  ended: () => void
  /** Ends it at once, whatever state it is in. */
  destroy(): void
}

const ISOLATION = "read committed"

/** Postgres 14. */
const OLDEST = 140_000

/**
 * What a session may take, so that the server gives up what we no longer wait for; and no plan that was made while a
 * table was empty may read the whole of it when it is full. Who has waited for a lock sees what was done meanwhile: by
 * an older snapshot, which some databases give by default, a reserve would hand out what the one before it has taken.
 */
const SESSION = `SET statement_timeout = '9s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '30s';
  SET client_min_messages = 'warning'; SET enable_seqscan = off; SET jit = off;
  SET default_transaction_isolation = '${ISOLATION}'`

/** Makes one connection with the credentials of this moment. Throws `unavailable` naming host, port and likely cause. */
export async function connectClient(url: string, options: DriverOptions): Promise<Client> {
  const location = locate((await options.freshUrl?.()) ?? url, options.tls !== undefined)
  const where = whereOf(location)
  let socket: Socket | undefined
  const client = createClient(location, options, (made) => {
    socket = made
  })
  try {
    return await client()
  } catch (error) {
    socket?.destroy()
    throw connectTrouble(error, where)
  }
}

function createClient(location: Location, options: DriverOptions, opened: (socket: Socket) => void) {
  const { host, port, database, user, password } = location
  let socket: Socket | undefined
  let over = false
  const end = () => {
    if (over) return
    over = true
    client.ended()
  }

  const sql = postgres({
    ...{ host, port, database, user, password, max: 1, fetch_types: false, prepare: true },
    ...{ idle_timeout: 0, max_lifetime: 0, connect_timeout: 0, keep_alive: 30, max_pipeline: 1000 },
    ssl: tlsOptions(location, options.tls) as never,
    target_session_attrs: undefined,
    connection: { application_name: "stem" },
    onnotice() {},
    onclose: end,
    // Read by the client, but missing in its declarations: it is handed a socket, so that we can destroy it, and
    // never gets a second one, so that it can not reconnect by itself.
    ...({
      onnotify: (_channel: string, payload: string) => client.heard(payload),
      async socket() {
        if (socket) throw Object.assign(new Error("the connection is over"), { code: "CONNECTION_CLOSED" })
        socket = await openSocket(host, port)
        opened(socket)
        return socket
      },
    } as object),
  })

  const send = async <Row>(text: string, values: readonly Value[]): Promise<readonly Row[]> =>
    (await sql.unsafe(text, values as Value[], { prepare: client.prepare })) as unknown as Row[]

  // A transaction pooler takes the session away after each answer, whatever has been sent behind it.
  let before: Promise<unknown> = Promise.resolve()
  function inTurn<Row>(text: string, values: readonly Value[]): Promise<readonly Row[]> {
    const answer = before.then(() => send<Row>(text, values))
    before = answer.catch(() => {})
    return answer
  }

  const client = {
    version: 0,
    pid: 0,
    pooled: false,
    prepare: false,
    query: <Row>(text: string, values: readonly Value[]) =>
      client.prepare ? send<Row>(text, values) : inTurn<Row>(text, values),
    heard: (_payload: string) => {},
    ended: () => {},
    async script(text: string) {
      await sql.unsafe(text)
    },
    destroy() {
      end()
      sql.end({ timeout: 0 }).catch(() => {})
      socket?.destroy()
    },
  }

  return async (): Promise<Client> => {
    const greeting = await sql.unsafe(
      "SELECT pg_backend_pid() AS pid, current_setting('server_version_num')::integer AS version, current_setting('transaction_read_only') AS readonly, current_setting('default_transaction_isolation') AS isolation",
    )
    const { pid, version, readonly, isolation } = greeting[0] as unknown as {
      pid: number
      version: number
      readonly: string
      isolation: string
    }
    if (version < OLDEST)
      throw unavailable(
        "store_too_old",
        `${whereOf(location)} runs Postgres ${Math.floor(version / 10_000)}, and Stem needs 14 or newer`,
        "Upgrade the server, or use another store.",
      )
    if (readonly === "on")
      throw Object.assign(new Error("read-only"), { name: "PostgresError", code: "25006" })
    // A pooler makes up the process id it greets with, for the server behind it changes.
    const state = greeting as unknown as { state: { pid: number } }
    client.pooled = state.state.pid !== pid
    if (client.pooled && isolation !== ISOLATION)
      throw unavailable(
        "store_isolation",
        `${whereOf(location)} begins transactions as "${isolation}", by which tasks would be handed out twice, and through a pooler Stem can not choose`,
        `Say there: ALTER DATABASE ${database} SET default_transaction_isolation = '${ISOLATION}'`,
      )
    client.prepare = location.prepare ?? !client.pooled
    client.version = version
    client.pid = pid
    if (!client.pooled) await client.script(SESSION)
    return client
  }
}

function openSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true })
    socket.once("error", reject)
    socket.once("connect", () => {
      socket.off("error", reject)
      // The name that TLS asks the certificate for.
      resolve(Object.assign(socket, { host, port }))
    })
  })
}
