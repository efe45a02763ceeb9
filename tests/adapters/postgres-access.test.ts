import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { open } from "../../src/adapters/postgres/driver.ts"
import type { Driver, DriverOptions } from "../../src/core/contracts/driver.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { type PostgresServer, postgresServer, run } from "../support/postgres-server.ts"

let server: PostgresServer
const drivers: Driver[] = []
beforeAll(async () => {
  server = await postgresServer()
}, 60_000)
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
})
afterAll(() => server.remove(), 60_000)

const task = tasksBy(systemClock)

async function enter(url: string, options: Partial<DriverOptions> = {}): Promise<Driver> {
  const driver = await open(url, { namespace: "access", clock: systemClock, ...options })
  drivers.push(driver)
  return driver
}

const refusal = (url: string, options?: Partial<DriverOptions>) =>
  enter(url, options).then(
    () => undefined,
    (error) => error,
  )

const urlOf = (user: string, password: string, query = "", host = "127.0.0.1") =>
  `postgresql://${user}:${password}@${host}:${server.port}/postgres${query}`

test("a wrong password is told with a way out, and without the password", async () => {
  const error = await refusal(urlOf("postgres", "s3cret"))
  expect(error).toMatchObject({
    kind: "unavailable",
    code: "store_auth",
    hint: expect.stringContaining("password"),
  })
  expect(error.message).toContain(`127.0.0.1:${server.port}`)
  expect(Bun.inspect(error)).not.toContain("s3cret")
})

test("a driver shows its URL without the password", async () => {
  expect((await enter(server.url)).url).toBe(server.url.replace(":postgres@", ":***@"))
})

test("a password that is changed at work is taken up without reopening", async () => {
  await server.sql("CREATE ROLE rotating LOGIN SUPERUSER PASSWORD 'first'")
  let password = "first"
  const driver = await enter(urlOf("rotating", "first"), {
    freshUrl: async () => urlOf("rotating", password),
  })
  const failures: unknown[] = []
  let stored = 0
  let rotated = false
  const load = (async () => {
    for (let at = 0, after = 0; after < 50; at++) {
      if (rotated) after += 1
      await driver.broker.enqueue([task(`r${at}`)]).then(
        () => {
          stored += 1
        },
        (error) => failures.push(error.code),
      )
    }
  })()
  while (stored < 20) await driver.ping()
  await server.sql("ALTER ROLE rotating PASSWORD 'second'")
  password = "second"
  await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotating'")
  rotated = true
  await load
  expect(failures.filter((code) => code !== "store_away")).toEqual([])
  expect(failures.length).toBeLessThan(10)
  expect((await driver.inspector.queues())[0]?.ready).toBeGreaterThanOrEqual(stored)
}, 30_000)

test("TLS is checked to the name: the right authority and host are let in, others are told why not", async () => {
  const file = (name: string) => join(server.folder, name)
  const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", file(`${name}.key`)]
  for (const [name, host] of [
    ["right", "DNS:localhost"],
    ["wrong", "DNS:elsewhere.invalid"],
  ] as const)
    await run([
      ...["openssl", "req", "-x509", ...key(name), "-out", file(`${name}.crt`), "-days", "2"],
      ...[
        "-subj",
        "/CN=stem test",
        "-addext",
        `subjectAltName=${host}`,
        "-addext",
        "basicConstraints=CA:TRUE",
      ],
    ])
  const serve = async (name: string) => {
    for (const end of ["crt", "key"]) {
      const path = join(server.data, `server.${end}`)
      writeFileSync(path, readFileSync(file(`${name}.${end}`)))
      if (process.getuid?.() === 0) chownSync(path, 65_534, 65_534)
      chmodSync(path, 0o600)
    }
    await server.sql("ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
    await server.stop()
    await server.start()
  }
  await serve("right")
  const local = (mode: string) => urlOf("postgres", "postgres", `?sslmode=${mode}`, "localhost")
  const tls = { ca: file("right.crt") }
  const driver = await enter(local("verify-full"), { tls })
  await driver.ping()
  const sessions = await server.sql(
    "SELECT count(*)::int AS n FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE s.ssl AND a.application_name = 'stem'",
  )
  expect(sessions[0]?.n).toBeGreaterThan(0)
  await enter(local("require"))
  expect(await refusal(local("verify-full"))).toMatchObject({
    code: "store_tls",
    message: expect.stringContaining("localhost"),
  })
  expect(await refusal(local("verify-full"), { tls: { ca: "/no/such/file" } })).toMatchObject({
    code: "store_tls",
  })

  await serve("wrong")
  const wrong = { tls: { ca: file("wrong.crt") } }
  expect(await refusal(local("verify-full"), wrong)).toMatchObject({
    ...{ kind: "unavailable", code: "store_tls", hint: expect.stringContaining("another host") },
  })
  await enter(local("verify-ca"), wrong)
}, 60_000)
