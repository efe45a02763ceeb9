import type { startProxy } from "../support/proxy.ts"
import type { StoreServer } from "./servers.ts"

/** What can happen to a store that is another process. */
export type Fault = "killed and restarted" | "stopped" | "unreachable, sockets open" | "read-only" | "full"
export const FAULTS: Fault[] = [
  "killed and restarted",
  "stopped",
  "unreachable, sockets open",
  "read-only",
  "full",
]

/** Does it to a store, to which its users speak through the relay. Answers how to undo it. */
export async function strike(
  fault: Fault,
  server: StoreServer,
  proxy: Awaited<ReturnType<typeof startProxy>>,
): Promise<() => Promise<void> | void> {
  switch (fault) {
    case "killed and restarted":
      await server.kill()
      return () => server.start()
    case "stopped":
      server.pause()
      return () => server.resume()
    case "unreachable, sockets open":
      proxy.mute()
      return () => proxy.heal()
    case "read-only":
      await server.readOnly(true)
      return () => server.readOnly(false)
    case "full":
      await server.full(true)
      return () => server.full(false)
  }
}
