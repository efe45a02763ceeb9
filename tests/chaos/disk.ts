import { open } from "node:fs/promises"
import { join } from "node:path"

/** How the disk held a test up: what waits for a commit can be no faster than a bare write to the disk. */
export interface DiskWatch extends AsyncDisposable {
  /** Milliseconds between two instants in which even one byte took longer to be on the disk than it should. */
  stalled(from: number, to: number): number
}

const EVERY_MS = 20
/** A disk that is not busy takes less. */
const USUAL_MS = 20

/** Writes a byte and waits until it is on the disk, again and again, in a folder on the disk of the store. */
export async function watchDisk(folder: string): Promise<DiskWatch> {
  const file = await open(join(folder, "disk-watch"), "w")
  const writes: { from: number; to: number }[] = []
  let stopped = false

  const watching = (async () => {
    while (!stopped) {
      const write = { from: Date.now(), to: Number.POSITIVE_INFINITY }
      writes.push(write)
      await file.write("x", 0)
      await file.sync()
      write.to = Date.now()
      await Bun.sleep(EVERY_MS)
    }
    await file.close()
  })()

  return {
    stalled(from, to) {
      const over = writes.map((write) => Math.min(write.to, to) - Math.max(write.from, from) - USUAL_MS)
      return over.filter((ms) => ms > 0).reduce((sum, ms) => sum + ms, 0)
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      await watching
    },
  }
}
