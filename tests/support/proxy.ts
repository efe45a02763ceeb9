import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/**
 * A TCP relay between a test and a server, which can go mute: bytes are swallowed in both directions while the
 * sockets stay open, as when a cable is cut or a firewall forgets a connection. It can also lie: replace what the server
 * says, or what it is told, by a text that fits in its place.
 */
export interface Proxy {
  readonly port: number
  /** Connections so far. */
  readonly made: number
  /** Connections that exist stay mute for ever; new ones are mute until `heal`. */
  mute(): void
  heal(): void
  /** Reads no more of what the server says on connections that exist, as a client that stands still. */
  stall(): void
  close(): void
}

type Lie = readonly [truth: string, lie: string]
export interface Lies {
  readonly fromServer?: Lie
  readonly toServer?: Lie
}

const told = (bytes: Buffer, [truth, lie]: Lie) =>
  Buffer.from(bytes.toString("latin1").replaceAll(truth, lie), "latin1")

export async function startProxy(target: number, lies: Lies = {}): Promise<Proxy> {
  const relays = new Set<{ mute: boolean; sockets: readonly Socket[] }>()
  let muted = false
  let made = 0

  const server = createServer((client) => {
    made += 1
    const upstream = connect(target, "127.0.0.1")
    const relay = { mute: muted, sockets: [client, upstream] }
    relays.add(relay)
    const couple = (from: Socket, to: Socket, lie?: Lie) => {
      from.on("data", (bytes: Buffer) => relay.mute || to.write(lie ? told(bytes, lie) : bytes))
      from.on("error", () => {})
      from.on("close", () => {
        if (!relay.mute) to.destroy()
      })
    }
    couple(client, upstream, lies.toServer)
    couple(upstream, client, lies.fromServer)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))

  return {
    port: (server.address() as AddressInfo).port,
    get made() {
      return made
    },
    mute() {
      muted = true
      for (const relay of relays) relay.mute = true
    },
    heal() {
      muted = false
    },
    stall() {
      for (const { sockets } of relays) sockets[1]?.pause()
    },
    close() {
      server.close()
      for (const { sockets } of relays) for (const socket of sockets) socket.destroy()
    },
  }
}
