/** The public names of Stem, as `import … from "stem"` gives them. */
export type PublicNames = Record<string, unknown>

/**
 * Serves `import … from "stem"` to task modules from this very executable, so that they load on a machine where
 * nothing is installed. The last names handed in are the ones served.
 */
export function serveStem(exports: PublicNames): void {
  Bun.plugin({
    name: "stem",
    setup(build) {
      build.module("stem", () => ({ exports, loader: "object" }))
    },
  })
}
