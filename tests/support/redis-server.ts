import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Redis } from "ioredis"
import { open } from "../../src/adapters/redis/driver.ts"
import type { Driver, DriverOptions } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"

/** A redis-server of a test's own, on a free port of loopback, that may be stopped, killed and changed. */
export interface RedisServer {
  readonly folder: string
  readonly port: number
  readonly url: string
  open(options?: Partial<DriverOptions> & { url?: string }): Promise<Driver>
  /** One command by a connection of its own. */
  command(...words: string[]): Promise<unknown>
  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void
  /** Ends it as an init system would; what is on the disk stays. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Closes the drivers, ends the server and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>
}

const DURABLE = [
  "--appendonly",
  "yes",
  "--appendfsync",
  "always",
  "--save",
  "",
  "--maxmemory-policy",
  "noeviction",
]

/** Starts one. Throws when this machine has no redis-server: a missing store fails a test. */
export async function redisServer(
  flags: readonly string[] = [],
  connect: { password?: string; sentinel?: string; tls?: { ca: string; cert?: string; key?: string } } = {},
): Promise<RedisServer> {
  const program = Bun.which("redis-server")
  if (!program) throw new Error("there is no redis-server on the PATH: apt-get install redis-server")
  const folder = mkdtempSync(join(tmpdir(), "stem-redis-"))
  const port = await freePort()
  const listen = connect.tls ? ["--port", "0", "--tls-port", String(port)] : ["--port", String(port)]
  const scheme = connect.tls ? "rediss" : "redis"
  const secret = connect.password ? `:${connect.password}@` : ""
  const url = `${scheme}://${secret}127.0.0.1:${port}`
  const drivers: Driver[] = []
  let process: Bun.Subprocess | undefined
  let namespaces = 0

  const server: RedisServer = {
    ...{ folder, port, url },
    async start() {
      const sort = connect.sentinel === undefined ? DURABLE : ["--sentinel"]
      const file = connect.sentinel === undefined ? [] : [connect.sentinel]
      process = Bun.spawn(
        [program, ...file, "--bind", "127.0.0.1", ...listen, "--dir", folder, ...sort, ...flags],
        { stdout: Bun.file(join(folder, "log")), stderr: "inherit" },
      )
      for (let tries = 0; ; tries++)
        try {
          await server.command("PING")
          return
        } catch (error) {
          if (/NOAUTH/.test(String(error))) return
          if (tries > 200 || process.exitCode !== null) throw error
          await Bun.sleep(20)
        }
    },
    async open({ url: other, ...options } = {}) {
      const driver = await open(other ?? url, {
        ...{ namespace: `test-${++namespaces}`, clock: systemClock },
        ...(connect.tls && { tls: connect.tls }),
        ...options,
      })
      drivers.push(driver)
      return driver
    },
    async command(name, ...words) {
      const tls = connect.tls && {
        tls: { ca: await Bun.file(connect.tls.ca).text(), checkServerIdentity: () => undefined },
      }
      const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, ...tls })
      redis.on("error", () => {})
      try {
        await redis.connect()
        return await redis.call(name, ...words)
      } finally {
        redis.disconnect()
      }
    },
    signal: (signal) => process?.kill(signal),
    async stop() {
      process?.kill("SIGTERM")
      await process?.exited
    },
    async [Symbol.asyncDispose]() {
      process?.kill("SIGCONT")
      await Promise.all(drivers.map((driver) => driver.close()))
      process?.kill("SIGKILL")
      await process?.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

export async function freePort(): Promise<number> {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const { port } = probe
  probe.stop(true)
  return port
}

/** Tries until it does not throw any more; throws the last error when it is not so in time. */
export async function eventually<T>(act: () => Promise<T>, withinMs = 10_000): Promise<T> {
  const end = performance.now() + withinMs
  while (true)
    try {
      return await act()
    } catch (error) {
      if (performance.now() > end) throw error
      await Bun.sleep(20)
    }
}
