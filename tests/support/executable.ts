import { existsSync } from "node:fs"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "..", "..")

/**
 * How tests start Stem: the executable that STEM_BINARY names, else dist/stem. With STEM_FROM_SOURCE=1 the sources,
 * for a quick look while working.
 */
export function stemCommand(): string[] {
  if (process.env.STEM_FROM_SOURCE === "1") return [process.execPath, join(ROOT, "src", "main.ts")]
  const binary = process.env.STEM_BINARY ?? join(ROOT, "dist", "stem")
  if (!existsSync(binary)) throw new Error(`there is no ${binary}: run \`npm run build\` first`)
  return [binary]
}
