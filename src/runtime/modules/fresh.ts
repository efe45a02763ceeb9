import { type LoadedModules, loadModules } from "./load.ts"

/**
 * Loads modules into this very process, and anew at each call: the files they brought in before are forgotten
 * first, but not what is installed under node_modules.
 */
export function createFreshLoader(paths: readonly string[]): () => Promise<LoadedModules> {
  const brought = new Set(paths)
  return async () => {
    for (const file of brought) delete require.cache[file]
    const before = new Set(Object.keys(require.cache))
    try {
      return await loadModules(paths)
    } finally {
      for (const file of Object.keys(require.cache))
        if (!before.has(file) && file !== "stem" && !file.includes("node_modules")) brought.add(file)
    }
  }
}
