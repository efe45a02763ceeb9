import { dlopen, type FFIFunction } from "bun:ffi"

const LIBRARIES = [
  "libc.so.6",
  "libc.so",
  `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
]

/** Functions of the C library for which Bun has no words; undefined where it is not Linux, or they are not there. */
export function openLibc<const F extends Record<string, FFIFunction>>(functions: F) {
  if (process.platform !== "linux") return undefined
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, functions).symbols
    } catch {
      // Not this C library: the next.
    }
  }
  return undefined
}
