import { afterAll, expect, test } from "bun:test"
import { systemClock } from "../../src/runtime/clock.ts"
import { testCertificates } from "../support/certificates.ts"
import { tasksBy } from "../support/envelopes.ts"
import { redisServer } from "../support/redis-server.ts"

const files = testCertificates()
afterAll(() => files[Symbol.dispose]())

const serverFlags = (clients: "yes" | "no") => [
  ...["--tls-cert-file", files.cert, "--tls-key-file", files.key, "--tls-ca-cert-file", files.ca],
  ...["--tls-auth-clients", clients],
]
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error as { kind: string; code: string; message: string; hint: string },
  )

test("a server is trusted by the CA file that was named, and by no other", async () => {
  await using server = await redisServer(serverFlags("no"), { tls: { ca: files.ca } })
  const { broker } = await server.open()
  expect(await broker.enqueue([tasksBy(systemClock)("a")])).toMatchObject([{ kind: "stored" }])
  const error = await refusal(server.open({ tls: { ca: files.otherCa } }))
  expect(error).toMatchObject({ kind: "unavailable", code: "store_away" })
  expect(error?.message).toContain(`127.0.0.1:${server.port}`)
  expect(error?.hint).toContain("--tls-ca")
})

test("a server that asks for a client's certificate is shown it", async () => {
  const { ca, cert, key } = files
  await using server = await redisServer(serverFlags("no"), { tls: { ca } })
  await server.command("CONFIG", "SET", "tls-auth-clients", "yes")
  const driver = await server.open({ tls: { ca, cert, key } })
  await driver.ping()
  expect(await refusal(server.open({ tls: { ca } }))).toMatchObject({
    kind: "unavailable",
    code: "store_away",
  })
})

test("plain talk to a TLS port, files that are not there, files of another kind and half a pair are told as that", async () => {
  await using server = await redisServer(serverFlags("no"), { tls: { ca: files.ca } })
  const plain = await refusal(
    server.open({ url: `redis://127.0.0.1:${server.port}`, connectTimeoutMs: 2000 }),
  )
  expect(plain).toMatchObject({ kind: "unavailable", code: "store_away" })
  expect(plain?.hint).toContain("rediss://")
  expect(await refusal(server.open({ tls: { ca: "/nowhere/ca.crt" } }))).toMatchObject({
    code: "store_tls_file",
  })
  const { ca, key } = files
  for (const tls of [{ ca: import.meta.path }, { ca, cert: import.meta.path, key }])
    expect((await refusal(server.open({ tls })))?.hint).toContain("is not PEM")
  expect(await refusal(server.open({ tls: { ca: files.ca, cert: files.cert } }))).toMatchObject({
    code: "invalid_tls_files",
  })
})
