import { invalid } from "../core/kit/errors.ts"
import { configFolder } from "./paths.ts"

/** A stem.toml as it was found; core/config knows what to make of it. */
interface FoundFile {
  readonly name: string
  readonly directory: string
  readonly text: string
}

/** The nearest stem.toml from the directory upward, then the user's. Throws `invalid` for one that can not be read. */
export async function findConfigFiles(directory: string): Promise<FoundFile[]> {
  const files: FoundFile[] = []
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

async function readFile(path: string, name: string, directory: string): Promise<FoundFile | undefined> {
  const file = Bun.file(path)
  if (!(await file.exists())) return undefined
  try {
    return { name, directory, text: await file.text() }
  } catch (error) {
    throw invalid("unreadable_config", `${name} can not be read`, "Check the file's rights.", error)
  }
}
