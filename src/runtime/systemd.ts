import { FFIType, ptr } from "bun:ffi"
import { openLibc } from "./libc.ts"

/** What a process tells the service manager that started it, by the protocol of sd_notify(3). */
export interface ServiceManager {
  ready(): void
  /** Configuration or code is being read anew; `ready` says that it was. */
  reloading(): void
  stopping(): void
  /**
   * Answers the watchdog for as long as there is progress: `lastProgressAt` lies, by performance.now, within its
   * interval. Nothing is done when no watchdog was asked for. Answers how to stop.
   */
  watch(lastProgressAt: () => number): () => void
}

type Environment = Record<string, string | undefined>

/** How many answers fit into the watchdog's interval. */
const ANSWERS = 4

/**
 * The service manager that the environment names; undefined when there is none. The variables are taken out of the
 * environment, for what this process starts does not speak for the service.
 */
export function serviceManager(env: Environment): ServiceManager | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = env
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name]
  const send = path ? openSocket(path) : undefined
  if (!send) return undefined
  const mine = pid === undefined || pid === String(process.pid)
  const intervalMs = mine ? Number(micros ?? 0) / 1000 : 0
  return {
    ready: () => send("READY=1"),
    reloading: () => send("RELOADING=1"),
    stopping: () => send("STOPPING=1"),
    watch(lastProgressAt) {
      if (!(intervalMs > 0)) return () => {}
      const timer = setInterval(() => {
        if (performance.now() - lastProgressAt() < intervalMs) send("WATCHDOG=1")
      }, intervalMs / ANSWERS)
      return () => clearInterval(timer)
    },
  }
}

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
/** Of sun_path, with the NUL behind it. */
const LONGEST_PATH = 107

/** Sends lines as datagrams to a unix socket, for which neither Bun nor Node has words. A lost line is no fault. */
function openSocket(path: string): ((line: string) => void) | undefined {
  const name = new TextEncoder().encode(path.replace(/^@/, "\0"))
  if (!/^[/@]/.test(path) || name.length > LONGEST_PATH) return undefined
  const libc = openLibc({
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: {
      args: [FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32, FFIType.ptr, FFIType.u32],
      returns: FFIType.i64,
    },
  })
  const socket = libc?.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) ?? -1
  if (!libc || socket < 0) return undefined
  // A name in the abstract space ends where it says, a path with its NUL.
  const address = new Uint8Array(2 + name.length + (path.startsWith("@") ? 0 : 1))
  new DataView(address.buffer).setUint16(0, AF_UNIX, true)
  address.set(name, 2)
  return (line) => {
    const bytes = new TextEncoder().encode(`${line}\n`)
    libc.sendto(socket, ptr(bytes), bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, ptr(address), address.length)
  }
}
