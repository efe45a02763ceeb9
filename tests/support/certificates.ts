import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Certificates of a test's own, for 127.0.0.1 and localhost, and a CA that signed none of them. */
export interface TestCertificates extends Disposable {
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly otherCa: string
}

/** Made by openssl in a temporary folder. */
export function testCertificates(): TestCertificates {
  const folder = mkdtempSync(join(tmpdir(), "stem-tls-"))
  const path = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { stdout: "ignore", stderr: "pipe" })
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`)
  }
  const authority = (name: string) =>
    openssl(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${name}`],
      ...["-keyout", path(`${name}.key`), "-out", path(`${name}.crt`)],
    )
  authority("ca")
  authority("other")
  openssl(
    ...["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"],
    ...["-keyout", path("server.key"), "-out", path("server.csr")],
  )
  const names = path("names")
  Bun.spawnSync(["sh", "-c", `printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > "$0"`, names])
  openssl(
    ...[
      "x509",
      "-req",
      "-days",
      "2",
      "-in",
      path("server.csr"),
      "-CA",
      path("ca.crt"),
      "-CAkey",
      path("ca.key"),
    ],
    ...["-CAcreateserial", "-extfile", names, "-out", path("server.crt")],
  )
  return {
    ...{ ca: path("ca.crt"), cert: path("server.crt"), key: path("server.key"), otherCa: path("other.crt") },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
