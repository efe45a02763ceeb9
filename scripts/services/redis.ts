import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { CERTIFICATES, FOLDER, SERVICES } from "./plan.ts"
import { needProgram } from "./programs.ts"
import { runQuietly } from "./run.ts"

type RedisName = "redis" | "redis-tls" | "redis-small"

/** Every write on disk within a second, and nothing evicted: what docs/operations.md tells people to set. */
const DURABLE = ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]

/** Starts one Redis of its own on loopback; answers the file with its process id. */
export async function startRedis(name: RedisName): Promise<string> {
  const folder = join(FOLDER, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const pidFile = join(folder, "pid")
  const { port } = SERVICES[name]
  const listen =
    name === "redis-tls"
      ? [...["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "optional"], ...tlsFiles()]
      : ["--port", String(port)]
  const limits = name === "redis-small" ? ["--maxmemory", "16mb"] : []
  await runQuietly([
    needProgram("redis-server"),
    ...["--bind", "127.0.0.1", "--dir", folder, "--daemonize", "yes", "--pidfile", pidFile],
    ...["--logfile", join(folder, "log"), "--save", ""],
    ...DURABLE,
    ...limits,
    ...listen,
  ])
  return pidFile
}

const tlsFiles = () => [
  ...[
    "--tls-cert-file",
    join(CERTIFICATES, "server.crt"),
    "--tls-key-file",
    join(CERTIFICATES, "server.key"),
  ],
  ...["--tls-ca-cert-file", join(CERTIFICATES, "ca.crt")],
]
