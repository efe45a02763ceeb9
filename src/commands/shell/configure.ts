import type { ConfigFile } from "../../core/config/file.ts"
import { type Resolution, resolveConfig } from "../../core/config/resolve.ts"
import { invalid } from "../../core/kit/errors.ts"
import { configFolder, defaultSpoolPath, defaultStatePath, readStoreUrl } from "../../stem.ts"
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
    files: await findFiles(directory),
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

/** The nearest stem.toml from the directory upward, then the user's. */
async function findFiles(directory: string): Promise<ConfigFile[]> {
  const files: ConfigFile[] = []
  for (let at = directory, climbed = ""; ; at = at.slice(0, at.lastIndexOf("/")), climbed += "../") {
    const file = await readFile(`${at}/stem.toml`, `${climbed}stem.toml`, at || "/")
    if (file) files.push(file)
    if (file || at === "" || !at.includes("/")) break
  }
  const folder = configFolder()
  const users = await readFile(`${folder}/stem.toml`, `${folder}/stem.toml`, folder)
  if (users && users.directory !== files[0]?.directory) files.push(users)
  return files
}

async function readFile(path: string, name: string, directory: string): Promise<ConfigFile | undefined> {
  const file = Bun.file(path)
  if (!(await file.exists())) return undefined
  try {
    return { name, directory, text: await file.text() }
  } catch (error) {
    throw invalid("unreadable_config", `${name} can not be read`, "Check the file's rights.", error)
  }
}
