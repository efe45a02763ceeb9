import { statSync } from "node:fs"
import { statfs } from "node:fs/promises"
import { dirname } from "node:path"
import type { Finding } from "../../core/contracts/driver.ts"

const MIB = 1_048_576
/** Below this there may be no room for the next checkpoint. */
const LITTLE_ROOM = 256 * MIB
/** Four times what a checkpoint normally leaves. */
const LARGE_WAL = 64 * MIB

/** File systems on which locks or shared memory can not be trusted, by the magic number of statfs(2). */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x47504653, "GPFS"],
  [0x0bd00bd0, "Lustre"],
])

/** What can be said of the file and its disk without reading what it holds. */
export async function inspectFile(path: string): Promise<readonly Finding[]> {
  const { bavail, bsize, type } = await statfs(dirname(path))
  return [
    ...rights(path),
    ...network(path, NETWORK.get(type)),
    ...room(path, bavail * bsize),
    ...wal(path, statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0),
  ]
}

function rights(path: string): Finding[] {
  const mode = statSync(path).mode & 0o077
  if (mode === 0) return []
  const message = `other users may use ${path}, and it holds what your tasks are given`
  return [{ level: "warning", subject: "rights", message, fix: `chmod 600 ${path}` }]
}

function network(path: string, system: string | undefined): Finding[] {
  if (!system) return []
  return [
    {
      level: "problem",
      subject: "file system",
      message: `${path} lies on ${system}; SQLite's locks do not hold there, and the file can be damaged`,
      fix: "Keep it on a local disk.",
    },
  ]
}

function room(path: string, free: number): Finding[] {
  if (free >= LITTLE_ROOM) return []
  const message = `${Math.floor(free / MIB)} MiB are left on the disk of ${path}`
  return [{ level: "warning", subject: "disk", message, fix: "Free some space; a full disk takes no tasks." }]
}

function wal(path: string, size: number): Finding[] {
  if (size <= LARGE_WAL) return []
  return [
    {
      level: "warning",
      subject: "wal",
      message: `${path}-wal has grown to ${Math.floor(size / MIB)} MiB`,
      fix: `A process that reads for very long keeps it from shrinking; find it: fuser ${path}`,
    },
  ]
}
