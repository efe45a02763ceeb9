import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { needProgram } from "../../scripts/services/programs.ts"
import { asNobody, runQuietly } from "../../scripts/services/run.ts"

/** A server of one test's own, on loopback, with its data in a temporary folder. */
export interface PostgresServer {
  readonly url: string
  readonly folder: string
  readonly data: string
  readonly port: number
  /** Runs statements as the superuser. */
  sql(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]>
  start(): Promise<void>
  stop(mode?: "fast" | "immediate"): Promise<void>
  /** Sends a signal to the server and all it has forked. */
  signal(name: "SIGSTOP" | "SIGCONT"): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

/** Postgres refuses to run as root; then it runs as the user nobody. */
const NOBODY = 65_534
const ROOT = process.getuid?.() === 0

/** Starts a server. Throws, naming the program, where Postgres is not installed. */
export async function postgresServer(
  options: { settings?: readonly string[]; prepare?: (data: string) => void } = {},
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "stem-postgres-"))
  if (ROOT) chownSync(folder, NOBODY, NOBODY)
  const data = join(folder, "data")
  const password = join(folder, "password")
  writeFileSync(password, "postgres\n")
  const port = await freePort()
  const url = `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`
  await run([
    "initdb",
    "-D",
    data,
    "-U",
    "postgres",
    "-A",
    "scram-sha-256",
    "--pwfile",
    password,
    "--no-locale",
    "-E",
    "UTF8",
    "-N",
  ])
  options.prepare?.(data)
  const settings = [
    ...[`port = ${port}`, "listen_addresses = '127.0.0.1'", `unix_socket_directories = '${folder}'`],
    ...["shared_buffers = 32MB", "max_connections = 60", ...(options.settings ?? [])],
  ]
  writeFileSync(join(data, "postgresql.auto.conf"), `${settings.join("\n")}\n`)
  if (ROOT) chownSync(join(data, "postgresql.auto.conf"), NOBODY, NOBODY)

  const control = (...more: string[]) =>
    run(["pg_ctl", "-D", data, "-l", join(folder, "log"), "-w", "-t", "30", ...more])
  const server: PostgresServer = {
    ...{ url, folder, data, port },
    async sql(...statements) {
      const client = postgres(url, { max: 1, onnotice() {} })
      try {
        let rows: readonly Record<string, unknown>[] = []
        for (const statement of statements) rows = (await client.unsafe(statement)) as never
        return rows
      } finally {
        await client.end()
      }
    },
    start: () => control("start"),
    stop: (mode = "fast") => control("stop", "-m", mode),
    async signal(name) {
      const first = Number((await Bun.file(join(data, "postmaster.pid")).text()).split("\n")[0])
      const children = await Bun.file(`/proc/${first}/task/${first}/children`).text()
      for (const pid of [first, ...children.trim().split(/\s+/).filter(Boolean).map(Number)])
        process.kill(pid, name)
    },
    async remove() {
      if (existsSync(join(data, "postmaster.pid"))) await server.stop("immediate")
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

/** Runs a program of Postgres, or one beside it. Throws when it fails or is not installed. */
export const run = ([program = "", ...rest]: readonly string[]): Promise<void> =>
  runQuietly(asNobody([needProgram(program), ...rest]))

/** A port of loopback that nobody uses. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
