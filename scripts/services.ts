/**
 * `bun scripts/services.ts up|down|status`: the servers that tests need. Each is taken from its environment
 * variable if that is set, else from Docker if an engine runs, else started from what is installed here, else
 * installed by apt-get if we are root on Debian or Ubuntu. Only loopback, data in a temporary folder.
 */
import { join } from "node:path"
import { makeCertificates } from "./services/certificates.ts"
import { compose, dockerRuns } from "./services/docker.ts"
import { CA_VARIABLE, CERTIFICATES, SERVICES, type ServiceName } from "./services/plan.ts"
import { startPgbouncer, startPostgres } from "./services/postgres.ts"
import { installMissing } from "./services/programs.ts"
import { startRedis } from "./services/redis.ts"
import { listens } from "./services/run.ts"
import { pidOf, readState, type State, stopAll, writeState } from "./services/state.ts"

/** Who starts a service. The TLS side of Postgres is the same server. */
const STARTERS: Partial<Record<ServiceName, () => Promise<string>>> = {
  redis: () => startRedis("redis"),
  "redis-tls": () => startRedis("redis-tls"),
  "redis-small": () => startRedis("redis-small"),
  postgres: startPostgres,
  pgbouncer: startPgbouncer,
}

const named = Object.entries(SERVICES) as [ServiceName, (typeof SERVICES)[ServiceName]][]

/** Starts what is not there; answers the environment that tests are to be given. */
export async function up(): Promise<Record<string, string>> {
  const missing = named.filter(([, { variable }]) => !process.env[variable]).map(([name]) => name)
  if (missing.length === named.length && (await dockerRuns())) {
    await makeCertificates(CERTIFICATES)
    await compose("up", CERTIFICATES)
  } else if (missing.length > 0) await startHere(missing)
  const told = named.map(([, { variable, url }]) => [variable, process.env[variable] || url])
  return {
    ...Object.fromEntries(told),
    [CA_VARIABLE]: process.env[CA_VARIABLE] || join(CERTIFICATES, "ca.crt"),
  }
}

async function startHere(missing: readonly ServiceName[]): Promise<void> {
  await installMissing()
  await makeCertificates(CERTIFICATES)
  const state: State = readState()
  for (const name of missing) {
    const start = STARTERS[name]
    const known = state[name]
    if (!start || (known && pidOf(known.pidFile))) continue
    if (await listens(SERVICES[name].port))
      throw new Error(
        `port ${SERVICES[name].port}, which ${name} needs, is taken; set ${SERVICES[name].variable} to use what is there`,
      )
    state[name] = { pidFile: await start() }
    writeState(state)
  }
}

export async function down(): Promise<void> {
  if (await dockerRuns()) await compose("down", CERTIFICATES)
  for (const name of await stopAll()) console.error(`services: ${name} stopped`)
}

async function status(): Promise<void> {
  for (const [name, { variable, url, port }] of named) {
    const state = process.env[variable] ? "set" : (await listens(port)) ? "up" : "down"
    console.log(`${name.padEnd(14)} ${state.padEnd(5)} ${variable}=${process.env[variable] || url}`)
  }
}

if (import.meta.main) {
  const [action] = process.argv.slice(2)
  if (action === "up")
    for (const [name, value] of Object.entries(await up())) console.log(`export ${name}='${value}'`)
  else if (action === "down") await down()
  else if (action === "status") await status()
  else {
    console.error("usage: bun scripts/services.ts up|down|status")
    process.exit(2)
  }
}
