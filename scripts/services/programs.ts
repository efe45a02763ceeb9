import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"

/** Debian puts the programs of a Postgres server where no PATH leads. */
const FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", ...postgresFolders()]

function postgresFolders(): string[] {
  const base = "/usr/lib/postgresql"
  if (!existsSync(base)) return []
  const versions = readdirSync(base).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(base, version, "bin"))
}

/** The path of an installed program, or undefined. */
export function findProgram(name: string): string | undefined {
  const path = [process.env.PATH ?? "", ...FOLDERS].join(":")
  return Bun.which(name, { PATH: path }) ?? undefined
}

/** As {@link findProgram}, for what the tests can not do without. */
export function needProgram(name: string): string {
  const found = findProgram(name)
  if (found) return found
  throw new Error(`${name} is not installed: run \`bun scripts/services.ts up\`, which says how to get it`)
}

/** Programs the services need, and the Debian package each comes in. */
const PACKAGES: Readonly<Record<string, string>> = {
  "redis-server": "redis-server",
  postgres: "postgresql",
  initdb: "postgresql",
  pgbouncer: "pgbouncer",
  openssl: "openssl",
}

/** Installs with apt-get what is missing, when this is Debian or Ubuntu and we are root. Throws naming the programs otherwise. */
export async function installMissing(): Promise<void> {
  const missing = Object.keys(PACKAGES).filter((name) => findProgram(name) === undefined)
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((name) => PACKAGES[name] as string))]
  if (process.getuid?.() !== 0 || !Bun.which("apt-get"))
    throw new Error(
      `missing: ${missing.join(", ")}. Install them (Debian: apt-get install ${packages.join(" ")}), start Docker, ` +
        "or set STEM_TEST_REDIS_URL, STEM_TEST_POSTGRES_URL and the others that `status` names.",
    )
  console.error(`services: apt-get install ${packages.join(" ")}`)
  await apt(["update", "-qq"])
  await apt(["install", "-y", "-qq", "--no-install-recommends", ...packages])
  // The versioned folder of Postgres may be new.
  FOLDERS.push(...postgresFolders())
}

async function apt(args: string[]): Promise<void> {
  const child = Bun.spawn(["apt-get", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  if (code !== 0) throw new Error(`apt-get ${args.join(" ")} failed:\n${out}${err}`)
}
