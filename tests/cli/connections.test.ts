import { afterAll, beforeAll, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { testCertificates } from "../support/certificates.ts"
import { startProxy } from "../support/proxy.ts"
import { eventually, redisServer } from "../support/redis-server.ts"
import { AWAY, ownServer, SERVERS } from "./own-server.ts"
import { makeStem, type Stem, TASKS } from "./stem.ts"

let stem: Stem
beforeAll(async () => {
  stem = await makeStem()
  await stem.write("tasks.ts", TASKS)
})
afterAll(() => stem.remove())

const WORKER = ["worker", "tasks.ts", "--isolates", "1"]

test.each(SERVERS)(
  "A command whose store is away fails with 69 and names the store without its secret",
  async (store) => {
    for (const args of [["enqueue", "x"], ["inspect"], ["dlq", "list"], ["spool", "flush"], ["migrate"]]) {
      const { code, out, err } = await stem.run([...args, "--connect-timeout", "2s"], {
        env: { STEM_BROKER_URL: AWAY[store] },
      })
      expect({ args, code, out }).toEqual({ args, code: 69, out: "" })
      expect(err).toMatch(/^error: (redis|postgresql):\/\/127\.0\.0\.1:1\S* can not be reached: .+\n.+/)
      expect(err).not.toContain("hunter2")
    }
  },
)

test.each(SERVERS)(
  "A command against a store that does not answer fails within its connect timeout",
  async (store) => {
    await using server = await ownServer(store)
    const proxy = await startProxy(server.port)
    proxy.mute()
    try {
      const env = { STEM_BROKER_URL: server.urlAt(proxy.port), STEM_CONNECT_TIMEOUT: "500ms" }
      const began = performance.now()
      const { code, err } = await stem.run(["enqueue", "x"], { env })
      expect({ code, within: performance.now() - began < 4000 }).toEqual({ code: 69, within: true })
      expect(err).toContain(`127.0.0.1:${proxy.port}`)
    } finally {
      proxy.close()
    }
  },
)

test.each(SERVERS)("A worker does not start on a store that is away", async (store) => {
  const { code, err } = await stem.run(WORKER, { env: { STEM_BROKER_URL: AWAY[store] } })
  expect(code).toBe(69)
  expect(err).toContain("can not be reached")
  expect(err).not.toContain("ready")
})

test("stem health tells by its exit code, and in JSON why", async () => {
  const here = await stem.run(["health", "-o", "json"])
  expect(here).toMatchObject({ code: 0, err: "" })
  expect(JSON.parse(here.out)).toMatchObject({ ok: true, store: `sqlite:${stem.folder}/stem.db` })
  const away = await stem.run(["health", "-o", "json"], { env: { STEM_BROKER_URL: AWAY.redis } })
  expect(away.code).toBe(69)
  expect(JSON.parse(away.out)).toEqual({
    ...{ ok: false, store: "redis://me:***@127.0.0.1:1" },
    error: { code: "store_away", message: expect.stringContaining("redis://127.0.0.1:1 can not be reached") },
  })
  const gone = await stem.run(["health", "--worker", "nobody", "-o", "json"])
  expect({ code: gone.code, ...JSON.parse(gone.out) }).toMatchObject({ code: 1, ok: false, alive: false })
})

test("A certificate without its key is refused before anything is done", async () => {
  const { code, out, err } = await stem.run(["enqueue", "x", "--tls-cert", "us.crt"])
  expect({ code, out }).toEqual({ code: 2, out: "" })
  expect(err).toBe(
    "error: --tls-cert names a certificate without its key\nGive the other half too: --tls-key, STEM_TLS_KEY, or key under [tls] in stem.toml.\n",
  )
})

test("A store with a certificate of a private authority is reached with --tls-ca, and one that asks for ours with it", async () => {
  using files = testCertificates()
  const { ca, cert, key, otherCa } = files
  await using server = await redisServer(
    [
      "--tls-ca-cert-file",
      ca,
      "--tls-cert-file",
      cert,
      "--tls-key-file",
      key,
      "--tls-auth-clients",
      "optional",
    ],
    { tls: { ca } },
  )
  const env = { STEM_BROKER_URL: server.url }
  expect((await stem.run(["health"], { env })).code).toBe(69)
  expect((await stem.run(["health", "--tls-ca", otherCa], { env })).code).toBe(69)
  expect(await stem.run(["health", "--tls-ca", ca], { env })).toMatchObject({ code: 0, out: "ok\n" })
  expect((await stem.run(["health"], { env: { ...env, STEM_TLS_CA: ca } })).code).toBe(0)
  expect((await stem.run(["migrate", "--dry-run", "--tls-ca", ca], { env })).code).toBe(0)
  await server.command("CONFIG", "SET", "tls-auth-clients", "yes").catch(() => {})
  const ours = ["--tls-cert", cert, "--tls-key", key]
  expect((await stem.run(["health", "--tls-ca", ca], { env })).code).toBe(69)
  expect((await stem.run(["health", "--tls-ca", ca, ...ours], { env })).code).toBe(0)
})

test("A helper command gives the URL, and its failure tells no secret", async () => {
  const env = { STEM_BROKER_URL: undefined, STEM_BROKER_URL_COMMAND: `echo sqlite:${stem.folder}/helped.db` }
  expect((await stem.run(["enqueue", "x", "--id", "helped"], { env })).code).toBe(0)
  expect((await stem.json(["result", "helped"], { env })).state).toBe("queued")
  const rows = await stem.json(["config"], { env })
  expect(rows[0]).toMatchObject({ key: "broker", origin: "STEM_BROKER_URL_COMMAND" })
  const wrong = { ...env, STEM_BROKER_URL_COMMAND: "echo redis://u:hunter2@h; echo sealed >&2; exit 2" }
  for (const more of [[], ["--debug"]]) {
    const { code, out, err } = await stem.run(["enqueue", "x", ...more], { env: wrong })
    expect({ code, out }).toEqual({ code: 69, out: "" })
    expect(err).toContain("STEM_BROKER_URL_COMMAND: the command exited with 2: sealed")
    expect(err).not.toContain("hunter2")
  }
})

test("A changed password needs no restart", async () => {
  await using server = await redisServer()
  const setPassword = (word: string) =>
    server.command("ACL", "SETUSER", "app", "on", "resetpass", `>${word}`, "~*", "&*", "+@all")
  const env = {
    STEM_BROKER_URL: `redis://app@127.0.0.1:${server.port}`,
    STEM_BROKER_PASSWORD_FILE: await stem.write("password", "first\n"),
  }
  await setPassword("first")
  const worker = stem.start(WORKER, { env })
  await worker.says("ready")
  await stem.json(["enqueue", "add", "a=1", "b=2", "--id", "before", "--wait=20s"], { env })

  await setPassword("second")
  await server.command("CLIENT", "KILL", "USER", "app")
  await worker.says("the store can not be used")
  await stem.write("password", "second\n")
  await worker.says("the store is back")
  expect(await stem.json(["enqueue", "add", "a=2", "b=3", "--wait=20s"], { env })).toBe(5)
  worker.child.kill("SIGTERM")
  const { code, err } = await worker.done
  expect(code).toBe(0)
  expect(err).not.toMatch(/first|second/)
}, 60_000)

test.each(SERVERS)(
  "A running worker outlives its store and goes on when it is back",
  async (store) => {
    await using server = await ownServer(store)
    const env = { STEM_BROKER_URL: server.url }
    const worker = stem.start(WORKER, { env })
    await worker.says("ready")
    await server.stop()
    await worker.says("the store can not be used")
    await server.start()
    await worker.says("the store is back")
    expect(await stem.json(["enqueue", "add", "a=1", "b=2", "--wait=20s"], { env })).toBe(3)
    worker.child.kill("SIGTERM")
    expect((await worker.done).code).toBe(0)
  },
  60_000,
)

test("No secret stands in the list of processes", async () => {
  await using server = await redisServer()
  await server.command("ACL", "SETUSER", "app", "on", ">hunter2", "~*", "&*", "+@all")
  const env = { STEM_BROKER_URL: `redis://app:hunter2@127.0.0.1:${server.port}` }
  const worker = stem.start(WORKER, { env })
  await worker.says("ready")
  const all = await eventually(async () => {
    const children = readFileSync(`/proc/${worker.child.pid}/task/${worker.child.pid}/children`, "utf8")
    if (children.trim() === "") throw new Error("it has no isolate")
    return [String(worker.child.pid), ...children.trim().split(" ")]
  })
  for (const pid of all) expect(readFileSync(join("/proc", pid, "cmdline"), "utf8")).not.toContain("hunter2")
  worker.child.kill("SIGTERM")
  expect((await worker.done).err).not.toContain("hunter2")
}, 30_000)
