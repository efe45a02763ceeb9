import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Redis } from "ioredis"
import postgres from "postgres"
import { needProgram } from "../../scripts/services/programs.ts"
import { asNobody, runQuietly, untilListens } from "../../scripts/services/run.ts"

/** A server of its own for one test, on loopback, that can be made to suffer. */
export interface StoreServer {
  readonly port: number
  urlAt(port: number): string
  /** Killed without a word. */
  kill(): Promise<void>
  /** Started again on the same data. */
  start(): Promise<void>
  /** Stands still with all its sockets open. */
  pause(): void
  resume(): void
  /** Refuses to write, as a replica does. */
  readOnly(on: boolean): Promise<void>
  /** Has no room, or no right, to write. */
  full(on: boolean): Promise<void>
  close(): Promise<void>
}

export async function startServer(store: "redis" | "postgres"): Promise<StoreServer> {
  const folder = mkdtempSync(join(tmpdir(), `stem-${store}-`))
  const port = await freePort()
  return store === "redis" ? startRedis(folder, port) : startPostgres(folder, port)
}

async function freePort(): Promise<number> {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const { port } = probe
  probe.stop(true)
  return port
}

async function startRedis(folder: string, port: number): Promise<StoreServer> {
  const start = async () => {
    const server = Bun.spawn({
      cmd: [
        needProgram("redis-server"),
        ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--save", "", "--logfile", "log"],
        ...["--appendonly", "yes", "--maxmemory-policy", "noeviction"],
      ],
      stdio: ["ignore", "ignore", "ignore"],
    })
    await untilListens(port, "redis-server", join(folder, "log"))
    return server
  }
  let server = await start()
  const tell = async (...words: string[]) => {
    const desk = new Redis({ port, host: "127.0.0.1" })
    try {
      await desk.call(...(words as [string]))
    } finally {
      desk.disconnect()
    }
  }
  const die = async () => {
    server.kill("SIGKILL")
    await server.exited
  }
  return {
    port,
    urlAt: (at) => `redis://127.0.0.1:${at}`,
    kill: die,
    async start() {
      server = await start()
    },
    pause: () => server.kill("SIGSTOP"),
    resume: () => server.kill("SIGCONT"),
    // A replica of nobody: it keeps what it has and takes nothing.
    readOnly: (on) => (on ? tell("REPLICAOF", "127.0.0.1", "1") : tell("REPLICAOF", "NO", "ONE")),
    full: (on) => tell("CONFIG", "SET", "maxmemory", on ? "1" : "0"),
    async close() {
      await die()
      rmSync(folder, { recursive: true })
    },
  }
}

async function startPostgres(folder: string, port: number): Promise<StoreServer> {
  if (process.getuid?.() === 0) chownSync(folder, 65534, 65534)
  const data = join(folder, "data")
  const log = join(folder, "log")
  await runQuietly(
    asNobody([
      needProgram("initdb"),
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-N",
      "--no-locale",
      "-E",
      "UTF8",
    ]),
  )
  writeFileSync(
    join(data, "postgresql.auto.conf"),
    `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '${folder}'\n`,
  )
  const control = (...words: string[]) =>
    runQuietly(asNobody([needProgram("pg_ctl"), "-D", data, "-l", log, ...words]))
  await control("-w", "start")
  const desk = async (...statements: string[]) => within("stem_test", statements)
  const within = async (database: string, statements: readonly string[]) => {
    const sql = postgres(`postgresql://postgres@127.0.0.1:${port}/${database}`, {
      max: 1,
      onnotice: () => {},
    })
    try {
      for (const statement of statements) await sql.unsafe(statement)
    } finally {
      await sql.end({ timeout: 1 })
    }
  }
  // Not the owner of the server, so that rights can be taken from it.
  await within("postgres", ["CREATE ROLE stem LOGIN", "CREATE DATABASE stem_test OWNER stem"])
  const master = () => Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10)
  const everyone = () => {
    const pid = master()
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean)
    return [pid, ...children.map(Number)]
  }
  let stopped: number[] = []
  return {
    port,
    urlAt: (at) => `postgresql://stem@127.0.0.1:${at}/stem_test`,
    kill: () => control("-w", "-m", "immediate", "stop"),
    start: () => control("-w", "start"),
    pause() {
      stopped = everyone()
      for (const pid of stopped) process.kill(pid, "SIGSTOP")
    },
    resume() {
      for (const pid of stopped) process.kill(pid, "SIGCONT")
      stopped = []
    },
    readOnly: (on) =>
      desk(`ALTER ROLE stem SET default_transaction_read_only = ${on ? "on" : "off"}`, END_SESSIONS),
    full: (on) => desk(on ? REFUSE : ACCEPT),
    async close() {
      await control("-w", "-m", "immediate", "stop")
      rmSync(folder, { recursive: true })
    },
  }
}

/** What a role's settings say holds for new sessions. */
const END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'stem'"

/** Every table of Stem answers a write with 53100, as when the disk is full. */
const REFUSE = `
  CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$;
  DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'stem' LOOP
      EXECUTE 'CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON ' || one.name ||
        ' FOR EACH STATEMENT EXECUTE FUNCTION public.refuse()';
    END LOOP;
  END $$`
const ACCEPT = "DROP FUNCTION public.refuse() CASCADE"
