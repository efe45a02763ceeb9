/** Postgres and pgbouncer refuse to run as root: then they run as somebody who may do nothing else. */
export const asNobody = (command: readonly string[]): string[] =>
  process.getuid?.() === 0
    ? ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", ...command]
    : [...command]

/** Runs a program to its end. Throws with what it said when it fails. */
export async function runQuietly(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  // Files, not pipes: a daemon keeps what it inherits, and a pipe would never end.
  const child = Bun.spawn([...command], {
    env: { ...process.env, LC_ALL: "C", ...env },
    cwd: "/",
    stdio: ["ignore", "ignore", "ignore"],
  })
  const code = await child.exited
  if (code !== 0) throw new Error(`${command.join(" ")} failed with exit code ${code}`)
}

/** Whether somebody listens on a port of this machine. */
export async function listens(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
    socket.end()
    return true
  } catch {
    return false
  }
}

/** Waits until somebody listens. Throws naming the service and its log when nobody does within 20 s. */
export async function untilListens(port: number, name: string, log: string): Promise<void> {
  for (let n = 0; n < 400; n++) {
    if (await listens(port)) return
    await Bun.sleep(50)
  }
  throw new Error(`${name} does not listen on port ${port}; its log is ${log}`)
}
