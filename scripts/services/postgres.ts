import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { CERTIFICATES, FOLDER, SERVICES } from "./plan.ts"
import { needProgram } from "./programs.ts"
import { asNobody, runQuietly, untilListens } from "./run.ts"

/** A folder the server's user may write. */
function ownFolder(name: string): string {
  const folder = join(FOLDER, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if (process.getuid?.() === 0) chownSync(folder, NOBODY, NOGROUP)
  return folder
}
const NOBODY = 65534
const NOGROUP = 65534

/** Starts a Postgres on loopback that speaks TLS to those who ask; answers the file whose first line is its process id. */
export async function startPostgres(): Promise<string> {
  const folder = ownFolder("postgres")
  const data = join(folder, "data")
  const password = join(folder, "password")
  writeFileSync(password, "postgres\n")
  const { port } = SERVICES.postgres
  const initdb = [
    needProgram("initdb"),
    "-D",
    data,
    "-U",
    "postgres",
    "-A",
    "scram-sha-256",
    "--pwfile",
    password,
  ]
  await runQuietly(asNobody([...initdb, "-E", "UTF8", "--no-locale", "-N"]))
  for (const name of ["server.crt", "server.key"]) {
    copyFileSync(join(CERTIFICATES, name), join(data, name))
    chmodSync(join(data, name), 0o600)
    if (process.getuid?.() === 0) chownSync(join(data, name), NOBODY, NOGROUP)
  }
  const settings = [
    ...[`port = ${port}`, "listen_addresses = '127.0.0.1'", `unix_socket_directories = '${folder}'`],
    ...["ssl = on", "max_connections = 200", "shared_buffers = 128MB", "max_wal_size = 1GB"],
  ]
  writeFileSync(join(data, "postgresql.auto.conf"), `${settings.join("\n")}\n`)
  const log = join(folder, "log")
  await runQuietly(asNobody([needProgram("pg_ctl"), "-D", data, "-l", log, "-w", "-t", "30", "start"]))
  await createDatabase(port)
  return join(data, "postmaster.pid")
}

async function createDatabase(port: number): Promise<void> {
  const { default: postgres } = await import("postgres")
  const sql = postgres(`postgresql://postgres:postgres@127.0.0.1:${port}/postgres`, { max: 1 })
  await sql.unsafe("CREATE DATABASE stem_test")
  await sql.end()
}

/** Starts pgbouncer in front of that Postgres, in transaction mode; answers the file with its process id. */
export async function startPgbouncer(): Promise<string> {
  const folder = ownFolder("pgbouncer")
  const pidFile = join(folder, "pid")
  const log = join(folder, "log")
  const users = join(folder, "users")
  writeFileSync(users, '"postgres" "postgres"\n')
  const config = join(folder, "pgbouncer.ini")
  const settings = [
    ...["[databases]", `* = host=127.0.0.1 port=${SERVICES.postgres.port}`],
    ...[
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${SERVICES.pgbouncer.port}`,
      "unix_socket_dir =",
    ],
    ...[
      "auth_type = scram-sha-256",
      `auth_file = ${users}`,
      "pool_mode = transaction",
      "default_pool_size = 20",
    ],
    ...["max_client_conn = 500", `logfile = ${log}`, `pidfile = ${pidFile}`],
    "ignore_startup_parameters = extra_float_digits,options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout",
  ]
  writeFileSync(config, `${settings.join("\n")}\n`)
  await runQuietly(asNobody([needProgram("pgbouncer"), "-d", config]))
  await untilListens(SERVICES.pgbouncer.port, "pgbouncer", log)
  return pidFile
}
