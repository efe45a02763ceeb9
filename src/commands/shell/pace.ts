/** How long a start may take; what runs longer is compiled as usual. */
const START_MS = 100

/**
 * The executable begins with a compiler that is slow to act (scripts/binary/compile.ts says why): what runs once is
 * not worth it. This ends that, for a process whose hot code begins to run.
 */
export const atFullSpeed = (): void => Bun.unsafe.setJITPolicy(1)

/** The same, for whatever still runs when no start takes so long. Holds no process open. */
export const soonAtFullSpeed = (): void => void setTimeout(atFullSpeed, START_MS).unref()
