import { postgresServer } from "../support/postgres-server.ts"
import { redisServer } from "../support/redis-server.ts"

/** The stores that are a server, which may go away and come back. */
export const SERVERS = ["redis", "postgres"] as const
export type ServerName = (typeof SERVERS)[number]

/** A server of one test's own. */
export interface OwnServer extends AsyncDisposable {
  readonly port: number
  /** Where it is, or what is in front of it on another port; with a secret where the server asks for one. */
  urlAt(port: number): string
  readonly url: string
  stop(): Promise<void>
  start(): Promise<void>
}

export async function ownServer(store: ServerName): Promise<OwnServer> {
  if (store === "redis") {
    const server = await redisServer()
    const urlAt = (port: number) => `redis://127.0.0.1:${port}`
    const { port, url, stop, start } = server
    return { port, url, urlAt, stop, start, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  }
  const server = await postgresServer()
  const { port, url, start } = server
  return {
    ...{ port, url, start },
    urlAt: (other) => url.replace(`:${port}/`, `:${other}/`),
    stop: () => server.stop("immediate"),
    [Symbol.asyncDispose]: () => server.remove(),
  }
}

/** Nothing listens on port 1. */
export const AWAY = {
  redis: "redis://me:hunter2@127.0.0.1:1",
  postgres: "postgresql://me:hunter2@127.0.0.1:1/db",
} as const
