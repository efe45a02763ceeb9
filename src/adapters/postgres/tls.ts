import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import type { TlsFiles } from "../../core/contracts/driver.ts"
import { messageOf, unavailable } from "../../core/kit/errors.ts"
import { type Location, whereOf } from "./location.ts"

/** What the client is told of TLS. */
export type TlsOptions = false | "prefer" | Readonly<Record<string, unknown>>

/** Reads the files now, so that renewed certificates count from the next connection on. Throws `store_tls`. */
export function tlsOptions(location: Location, files: TlsFiles = {}): TlsOptions {
  const { tls, host } = location
  if (tls === "disable") return false
  const own = { ...read("ca", files.ca), ...read("cert", files.cert), ...read("key", files.key) }
  if (Object.keys(own).length > 0) tryOut(own, whereOf(location))
  if (tls === "prefer") return Object.keys(own).length === 0 ? "prefer" : { ...own, rejectUnauthorized: true }
  if (tls === "require") return { ...own, rejectUnauthorized: false }
  if (tls === "verify-ca") return { ...own, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  return { ...own, rejectUnauthorized: true, host }
}

/** What is in the files, before a client that would fall over it in a place where nobody can catch it. */
function tryOut(own: Readonly<Record<string, string>>, where: string): void {
  try {
    createSecureContext(own)
  } catch (error) {
    const reason = messageOf(error)
    throw unavailable(
      "store_tls",
      `the TLS handshake with ${where} can not begin: ${reason}`,
      /MISMATCH/.test(reason)
        ? "The certificate and its key do not go together: look at --tls-cert and --tls-key."
        : "A file of --tls-ca, --tls-cert or --tls-key is not PEM, or another one than its name says.",
      error,
    )
  }
}

function read(name: keyof TlsFiles, path: string | undefined): Record<string, string> {
  if (path === undefined) return {}
  try {
    return { [name]: readFileSync(path, "utf8") }
  } catch (error) {
    throw unavailable(
      "store_tls",
      `the TLS file for "${name}" can not be read: ${messageOf(error)}`,
      "Check its path and who may read it.",
    )
  }
}
