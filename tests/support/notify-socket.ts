import { FFIType, ptr } from "bun:ffi"
import { openLibc } from "../../src/runtime/libc.ts"

/** What systemd would be: a datagram socket that remembers what it was told. */
export interface NotifySocket extends Disposable {
  readonly path: string
  /** Every line so far, in order. */
  readonly lines: readonly string[]
  /** Resolves once a line has come so often. */
  heard(line: string, times?: number): Promise<void>
}

const AF_UNIX = 1
const DATAGRAM_CLOEXEC = 2 | 0o2000000
const DONTWAIT = 0x40
const { i32, u32, u64, i64 } = FFIType
const buffer = FFIType.ptr

/** Opens a socket at a path; `@name` is one of the abstract space. */
export function openNotifySocket(path: string): NotifySocket {
  const libc = openLibc({
    socket: { args: [i32, i32, i32], returns: i32 },
    bind: { args: [i32, buffer, u32], returns: i32 },
    recv: { args: [i32, buffer, u64, i32], returns: i64 },
    close: { args: [i32], returns: i32 },
  })
  if (!libc) throw new Error("there is no C library")
  const socket = libc.socket(AF_UNIX, DATAGRAM_CLOEXEC, 0)
  const name = new TextEncoder().encode(path.replace(/^@/, "\0"))
  const address = new Uint8Array(2 + name.length + (path.startsWith("@") ? 0 : 1))
  address[0] = AF_UNIX
  address.set(name, 2)
  if (libc.bind(socket, ptr(address), address.length) !== 0) throw new Error(`${path} can not be bound`)

  const lines: string[] = []
  const bytes = new Uint8Array(4096)
  const read = () => {
    for (;;) {
      const count = Number(libc.recv(socket, ptr(bytes), bytes.length, DONTWAIT))
      if (count <= 0) return
      lines.push(...new TextDecoder().decode(bytes.subarray(0, count)).trimEnd().split("\n"))
    }
  }
  return {
    path,
    get lines() {
      read()
      return lines
    },
    async heard(line, times = 1) {
      for (read(); lines.filter((one) => one === line).length < times; read()) await Bun.sleep(5)
    },
    [Symbol.dispose]: () => void libc.close(socket),
  }
}
