import { FFIType } from "bun:ffi"
import { openLibc } from "../libc.ts"

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9

/**
 * Ties this process's life to its supervisor's. Where the kernel can (Linux) it dies with it even in a busy
 * loop; elsewhere as soon as its event loop turns.
 */
export function dieWithParent(parent: number): void {
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
  const libc = openLibc({
    prctl: {
      args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
      returns: FFIType.i32,
    },
  })
  libc?.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
  // It may have died before the kernel was asked.
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL")
}
