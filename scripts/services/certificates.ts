import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { needProgram } from "./programs.ts"

/**
 * Makes an authority and, signed by it, a certificate for 127.0.0.1 and localhost and one for a client named
 * `postgres`: ca.crt, server.crt, server.key, client.crt, client.key. For tests only, good for a month, never committed.
 */
export async function makeCertificates(folder: string): Promise<void> {
  if (existsSync(join(folder, "client.crt"))) return
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const openssl = needProgram("openssl")
  const run = async (...args: string[]) => {
    const child = Bun.spawn([openssl, ...args], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] })
    if ((await child.exited) !== 0)
      throw new Error(`openssl ${args[0]}: ${await new Response(child.stderr).text()}`)
  }
  const days = ["-days", "30"]
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  await run(
    "req",
    "-x509",
    ...key,
    ...days,
    "-subj",
    "/CN=stem test authority",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
  )
  for (const [name, subject, names] of [
    ["server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ["client", "/CN=postgres", "subjectAltName=DNS:client"],
  ] as const) {
    writeFileSync(join(folder, `${name}.ext`), names)
    await run("req", ...key, "-subj", subject, "-keyout", `${name}.key`, "-out", `${name}.csr`)
    const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", `${name}.ext`]
    await run("x509", "-req", "-in", `${name}.csr`, ...signing, ...days, "-out", `${name}.crt`)
  }
}
