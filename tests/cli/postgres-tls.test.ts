import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type TestCertificates, testCertificates } from "../support/certificates.ts"
import { type PostgresServer, postgresServer } from "../support/postgres-server.ts"
import { makeStem, type Stem } from "./stem.ts"

let files: TestCertificates
let server: PostgresServer
let stem: Stem
beforeAll(async () => {
  files = testCertificates()
  const put = (path: string, text: string | Buffer) => {
    writeFileSync(path, text)
    chmodSync(path, 0o600)
    if (process.getuid?.() === 0) chownSync(path, 65_534, 65_534)
  }
  server = await postgresServer({
    settings: ["ssl = on", "ssl_ca_file = 'ca.crt'"],
    prepare(data) {
      put(join(data, "ca.crt"), readFileSync(files.ca))
      put(join(data, "server.crt"), readFileSync(files.cert))
      put(join(data, "server.key"), readFileSync(files.key))
      put(join(data, "pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n")
    },
  })
}, 60_000)
afterAll(async () => {
  await server.remove()
  files[Symbol.dispose]()
}, 60_000)
beforeEach(async () => {
  stem = await makeStem()
})
afterEach(() => stem.remove())

const at = (query = "", host = "127.0.0.1") =>
  `${server.url.replace("127.0.0.1", host)}${query && `?${query}`}`
const health = (url: string, ...flags: string[]) =>
  stem.run(["health", ...flags], { env: { STEM_BROKER_URL: url } })
const trusting = () => ["--tls-ca", files.ca]
const ours = () => ["--tls-cert", files.cert, "--tls-key", files.key]

test("A Postgres that asks for a certificate is shown ours, in every mode that speaks TLS", async () => {
  const env = { STEM_BROKER_URL: at() }
  await stem.write("tasks.ts", "export const add = ({ a, b }) => a + b\n")
  expect(
    (await stem.run(["enqueue", "add", "a=1", "b=2", "--id", "one", ...trusting(), ...ours()], { env })).code,
  ).toBe(0)
  const files = { STEM_TLS_CA: trusting()[1], STEM_TLS_CERT: ours()[1], STEM_TLS_KEY: ours()[3] }
  await stem.run(["worker", "tasks.ts", "--drain", "--isolates", "1"], { env: { ...env, ...files } })
  expect(await stem.run(["result", "one"], { env: { ...env, ...files } })).toMatchObject({ code: 0 })
  for (const mode of ["require", "verify-ca", "verify-full"])
    for (const host of ["127.0.0.1", "localhost"])
      expect(await health(at(`sslmode=${mode}`, host), ...trusting(), ...ours())).toMatchObject({ code: 0 })
}, 60_000)

test("Without ours, with a stranger's, or trusting another authority, it says what is wrong and where", async () => {
  const where = `127.0.0.1:${server.port}/postgres`
  const key = join(stem.folder, "stranger.key")
  const cert = join(stem.folder, "stranger.crt")
  Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger"],
    ...["-keyout", key, "-out", cert],
  ])
  const junk = await stem.write("junk.pem", "junk\n")
  const [ca, mine] = [trusting(), ours()]
  const cases: [url: string, flags: string[], cause: string, hint: string][] = [
    [at(), ca, "wants to see a certificate of ours", "Name it with --tls-cert"],
    [at("sslmode=require"), [], "wants to see a certificate of ours", "Name it with --tls-cert"],
    [at(), [...ca, "--tls-cert", cert, "--tls-key", key], "UNKNOWN_CA", "does not accept our certificate"],
    [at(), mine, "self signed certificate", "name the CA's file with --tls-ca"],
    [
      at(),
      ["--tls-ca", files.otherCa, ...mine],
      "self signed certificate",
      "name the CA's file with --tls-ca",
    ],
    [at("sslmode=disable"), [], "lets nobody in from here without TLS", "sslmode=disable"],
    [at(), [...ca, "--tls-cert", files.cert, "--tls-key", key], "MISMATCH", "do not go together"],
    [at(), ["--tls-ca", junk, ...mine], "can not begin", "is not PEM"],
    [at(), [...ca, "--tls-cert", junk, "--tls-key", files.key], "can not begin", "is not PEM"],
  ]
  for (const [url, flags, cause, hint] of cases) {
    const { code, out, err } = await health(url, ...flags)
    expect({ code, out }).toEqual({ code: 69, out: "" })
    expect(err).toStartWith("error: ")
    for (const part of [where, cause, hint]) expect(err).toContain(part)
    expect(err.trim().split("\n")).toHaveLength(2)
  }
}, 60_000)
