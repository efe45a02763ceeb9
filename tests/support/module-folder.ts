import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** A folder of a user's own, outside of this repository. */
export interface ModuleFolder extends Disposable {
  readonly path: string
  /** The absolute path of a file in it. */
  file(name: string): string
  write(name: string, text: string): string
}

export function moduleFolder(files: Readonly<Record<string, string>>): ModuleFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "stem-modules-")))
  const folder: ModuleFolder = {
    path,
    file: (name) => join(path, name),
    write(name, text) {
      const file = join(path, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
      return file
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
  for (const [name, text] of Object.entries(files)) folder.write(name, text)
  return folder
}
