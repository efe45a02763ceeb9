import { readFile, statfs } from "node:fs/promises"
import { availableParallelism, cpus, freemem, loadavg, release, tmpdir, totalmem, type } from "node:os"

/** What has to be said with every number. */
export async function describeMachine(): Promise<Record<string, string>> {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const { bavail, bsize } = await statfs(tmpdir())
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores`,
    memory: `${gib(totalmem())}, ${gib(freemem())} free`,
    system: `${type()} ${release()} ${process.arch}`,
    disk: `${await fileSystem()}, ${gib(bavail * bsize)} free`,
    bun: Bun.version,
    "load before": loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
  }
}

/** The kind of file system that temporary files are on, where the system tells. */
async function fileSystem(): Promise<string> {
  try {
    const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "))
    const under = mounts.filter(([, at = "-"]) => `${tmpdir()}/`.startsWith(at === "/" ? "/" : `${at}/`))
    const [nearest] = under.sort((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))
    return nearest?.[2] ?? "unknown file system"
  } catch {
    return "unknown file system"
  }
}
