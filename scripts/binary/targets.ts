/** What the executable is built for, by the names Bun knows them by. */
export const TARGETS = [
  "linux-x64",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
] as const
export type Target = (typeof TARGETS)[number]

export const isTarget = (name: string): name is Target => (TARGETS as readonly string[]).includes(name)

/** The file under dist/ for a target; without one, for this machine. */
export const fileFor = (target?: Target): string =>
  target === undefined ? "stem" : `stem-${target}${target.startsWith("windows") ? ".exe" : ""}`
