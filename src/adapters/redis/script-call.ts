import { Command } from "ioredis"
import type { Client } from "./connection.ts"

/** Fewer arguments are left to the client library. */
const MANY = 32

/**
 * A call of a script by its digest. A batch has a thousand arguments, and the client library counts the bytes of each and
 * ties them to one another one by one; written out at once they cost half.
 */
class ScriptCall extends Command {
  override toWritable(socket: object): string | Buffer {
    const args = this.args as string[]
    if (args.length >= MANY) {
      const parts = new Array<string>(args.length)
      for (let at = 0; at < args.length; at++) {
        const arg = args[at] as string
        parts[at] = `$${arg.length}\r\n${arg}\r\n`
      }
      const text = `*${args.length + 1}\r\n$7\r\nevalsha\r\n${parts.join("")}`
      // As many bytes as characters in all: then every length was right.
      if (Buffer.byteLength(text) === text.length) return text
    }
    return super.toWritable(socket)
  }
}

/** Runs a script that the server knows; its one key is the prefix of all keys. */
export const callScript = (
  client: Client,
  sha: string,
  prefix: string,
  args: readonly string[],
): Promise<unknown> =>
  client.sendCommand(
    new ScriptCall("evalsha", [sha, "1", prefix, ...args], { replyEncoding: "utf8" }),
  ) as Promise<unknown>
