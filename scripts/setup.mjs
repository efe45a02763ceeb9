// First step of every npm script: makes sure that what package-lock.json names is installed. Plain Node without
// dependencies, for it runs before there are any.
import { spawnSync } from "node:child_process"
import { existsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const NODE = [20, 19]
const NPM = [10, 0]

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lock = join(root, "package-lock.json")
// npm writes this file at the end of every install.
const installed = join(root, "node_modules", ".package-lock.json")
const bun = join(root, "node_modules", ".bin", process.platform === "win32" ? "bun.cmd" : "bun")

function fail(message, fix) {
  console.error(`setup: ${message}\n       ${fix}`)
  process.exit(1)
}

const older = (version, [major, minor]) => {
  const [has, point] = version.split(".").map(Number)
  return has < major || (has === major && point < minor)
}

const npm = (args, stdio) =>
  spawnSync("npm", args, { cwd: root, stdio, encoding: "utf8", shell: process.platform === "win32" })

function install() {
  const version = npm(["--version"], "pipe")
  if (version.status !== 0) fail("npm was not found", "Install Node with npm: https://nodejs.org")
  if (older(version.stdout.trim(), NPM))
    fail(`npm ${version.stdout.trim()} is too old`, `Install npm ${NPM.join(".")} or newer.`)
  console.error("setup: npm ci")
  const ci = npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], ["ignore", 2, 2])
  if (ci.status !== 0) fail("npm ci failed", "Its reason stands above. Is the npm registry reachable?")
}

if (older(process.versions.node, NODE))
  fail(
    `Node ${process.versions.node} is too old`,
    `Install Node ${NODE.join(".")} or newer: https://nodejs.org`,
  )

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) install()

if (!existsSync(bun))
  fail(
    "the bun package brought no executable",
    "Remove node_modules and run this again; optional packages must be allowed.",
  )
