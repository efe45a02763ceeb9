import { FFIType } from "bun:ffi"
import { readdirSync, readFileSync } from "node:fs"
import { openLibc } from "../libc.ts"

const PR_SET_CHILD_SUBREAPER = 36
const WNOHANG = 1
/** A command that forks faster than it is killed is left to the kernel's limits in the end. */
const ROUNDS = 100
const PAUSE_MS = 5

/** Everything that was started by what this process started. Elsewhere than on Linux: nobody is known. */
export interface Descendants {
  /** Takes the dead off the kernel's list, but for the one whose exit somebody waits for. */
  reap(but: number): void
  /** Kills them all, those that have left their group or session too, and returns when none is left. */
  killAll(but: number): Promise<void>
}

/** Makes this process the parent of every orphan below it, which would else be handed to init and escape. */
export function adoptDescendants(): Descendants {
  const libc = openLibc({
    prctl: {
      args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
      returns: FFIType.i32,
    },
    waitpid: { args: [FFIType.i32, FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
  })
  libc?.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
  // waitpid tells of a child of ours alone, so a number that was given to another since does no harm.
  const reap = (but: number) => {
    for (const pid of childrenOf(process.pid)) if (pid !== but) libc?.waitpid(pid, null, WNOHANG)
  }
  return {
    reap,
    async killAll(but) {
      for (let round = 0; round < ROUNDS; round++) {
        reap(but)
        const living = descendantsOf(process.pid).filter((pid) => !isZombie(pid))
        if (living.length === 0) return
        for (const pid of living) kill(pid)
        await Bun.sleep(PAUSE_MS)
      }
    },
  }
}

/** Sends a signal to a process, or with a negative number to a group. Whoever is gone already is gone. */
export function kill(pid: number, signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone, or somebody else's.
  }
}

function descendantsOf(pid: number): number[] {
  const found: number[] = []
  for (const waiting = childrenOf(pid); waiting.length > 0; ) {
    const next = waiting.pop() as number
    found.push(next)
    waiting.push(...childrenOf(next))
  }
  return found
}

/** Any thread may have started one. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return true
  }
}
