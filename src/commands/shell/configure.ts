import { type Resolution, resolveConfig } from "../../core/config/resolve.ts"
import { defaultSpoolPath, defaultStatePath, findConfigFiles, readStoreUrl } from "../../stem.ts"
import type { Shell } from "./command.ts"

/** Reads what the machine says about the settings, and resolves them. */
export async function configure(
  { env, directory, terminal }: Shell,
  flags: Readonly<Record<string, unknown>>,
  modules?: readonly string[],
): Promise<Resolution> {
  const { hostname } = await import("node:os")
  return resolveConfig({
    flags,
    modules,
    env,
    readUrl: readStoreUrl,
    files: await findConfigFiles(directory),
    directory,
    machine: {
      cores: navigator.hardwareConcurrency,
      host: hostname(),
      pid: process.pid,
      terminal: terminal.stderr,
      broker: `sqlite:${defaultStatePath()}`,
      spool: defaultSpoolPath(),
    },
  })
}
