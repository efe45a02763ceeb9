import { afterEach, beforeEach, expect, test } from "bun:test"
import { postgresServer } from "../support/postgres-server.ts"
import { redisServer } from "../support/redis-server.ts"
import { makeStem, type Stem, TASKS } from "./stem.ts"

let stem: Stem
beforeEach(async () => {
  stem = await makeStem()
  await stem.write("tasks.ts", TASKS)
})
afterEach(() => stem.remove())

/** A server with a user `app`, whose password can be changed. */
interface Guarded {
  urlWith(password?: string): string
  /** Takes this password from now on and no other, and ends every session that was opened with one before. */
  change(password: string): Promise<void>
  close(): Promise<void>
}

async function guardedRedis(): Promise<Guarded> {
  const server = await redisServer()
  return {
    urlWith: (password) => `redis://app${password ? `:${password}` : ""}@127.0.0.1:${server.port}`,
    async change(password) {
      await server.command("ACL", "SETUSER", "app", "on", "resetpass", `>${password}`, "~*", "&*", "+@all")
      await server.command("CLIENT", "KILL", "USER", "app")
    },
    close: () => server[Symbol.asyncDispose](),
  }
}

async function guardedPostgres(): Promise<Guarded> {
  const server = await postgresServer()
  await server.sql("CREATE ROLE app LOGIN", "GRANT CREATE ON DATABASE postgres TO app")
  return {
    urlWith: (password) =>
      `postgresql://app${password ? `:${password}` : ""}@127.0.0.1:${server.port}/postgres`,
    async change(password) {
      await server.sql(
        `ALTER ROLE app PASSWORD '${password}'`,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
      )
    },
    close: () => server.remove(),
  }
}

/** How Stem is told the secret; each answers the environment, which stays as it is when the secret changes. */
const WAYS: Record<string, (server: Guarded) => Record<string, string>> = {
  "a file with the URL": () => ({ STEM_BROKER_URL_FILE: `${stem.folder}/url` }),
  "a password file": (server) => ({
    STEM_BROKER_URL: server.urlWith(),
    STEM_BROKER_PASSWORD_FILE: `${stem.folder}/password`,
  }),
  "a helper command": () => ({ STEM_BROKER_URL_COMMAND: `cat '${stem.folder}/url'` }),
}

test.each(
  (["redis", "postgres"] as const).flatMap((store) => Object.keys(WAYS).map((way) => [store, way] as const)),
)(
  "A password is changed under load without a restart and without a loss: on %s, by %s",
  async (store, way) => {
    const server = await (store === "redis" ? guardedRedis() : guardedPostgres())
    try {
      const publish = async (password: string) => {
        await stem.write("url", `${server.urlWith(password)}\n`)
        await stem.write("password", `${password}\n`)
      }
      const env = {
        ...{ STEM_BROKER_URL: undefined },
        ...(WAYS[way] as (typeof WAYS)[string])(server),
      }
      await server.change("hunter-1")
      await publish("hunter-1")
      // A session may be cut between a commit and its answer: what was leased then comes back when the lease is over.
      const worker = stem.start(["worker", "tasks.ts", "--isolates", "1", "--lease", "2s"], { env })
      await worker.says("ready")

      const accepted: string[] = []
      let refused = 0
      let said = ""
      let goOn = true
      const sender = async () => {
        while (goOn) {
          const { code, out, err } = await stem.run(["enqueue", "echo", "--connect-timeout", "2s"], { env })
          if (code === 0) accepted.push(out.trim())
          else refused += 1
          said += err
          expect([0, 69]).toContain(code)
        }
      }
      const senders = [sender(), sender()]
      const more = async (count: number) => {
        const until = accepted.length + count
        while (accepted.length < until) await Bun.sleep(10)
      }
      for (const password of ["hunter-2", "hunter-3"]) {
        await more(3)
        // For a moment nobody who asks has the right password.
        await server.change(password)
        await publish(password)
      }
      await more(3)
      goOn = false
      await Promise.all(senders)

      for (const id of accepted)
        expect((await stem.json(["result", id, "--wait=20s"], { env })).state).toBe("succeeded")
      const { totals } = await stem.json(["inspect"], { env })
      expect(totals).toMatchObject({ ready: 0, running: 0, retrying: 0, dead: 0 })
      expect(totals.succeeded).toBe(accepted.length)
      worker.child.kill("SIGTERM")
      const { code, err } = await worker.done
      console.log(`${store}, ${way}: 2 changes, ${accepted.length} accepted, ${refused} refused`)
      expect(code).toBe(0)
      expect(err.match(/the store can not be used/g)?.length ?? 0).toBeLessThanOrEqual(2)
      expect(err + said).not.toContain("hunter")
    } finally {
      await server.close()
    }
  },
  120_000,
)
