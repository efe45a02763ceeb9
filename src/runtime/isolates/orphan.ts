import { dlopen, FFIType } from "bun:ffi"

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const LIBRARIES = [
  "libc.so.6",
  "libc.so",
  `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
]

/**
 * Ties this process's life to its supervisor's. Where the kernel can (Linux) it dies with it even in a busy
 * loop; elsewhere as soon as its event loop turns.
 */
export function dieWithParent(parent: number): void {
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
  if (process.platform === "linux") askKernel()
  // It may have died before the kernel was asked.
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL")
}

function askKernel(): void {
  for (const library of LIBRARIES) {
    try {
      const { symbols } = dlopen(library, {
        prctl: {
          args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
          returns: FFIType.i32,
        },
      })
      if (symbols.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) === 0) return
    } catch {
      // Not this C library: the next, or the disconnect alone.
    }
  }
}
