import { readFileSync } from "node:fs"
import type { TlsFiles } from "../../core/contracts/driver.ts"
import { messageOf, unavailable } from "../../core/kit/errors.ts"
import type { Location } from "./location.ts"

/** What the client is told of TLS. */
export type TlsOptions = false | "prefer" | Readonly<Record<string, unknown>>

/** Reads the files now, so that renewed certificates count from the next connection on. Throws `store_tls`. */
export function tlsOptions({ tls, host }: Location, files: TlsFiles = {}): TlsOptions {
  if (tls === "disable") return false
  const own = { ...read("ca", files.ca), ...read("cert", files.cert), ...read("key", files.key) }
  if (tls === "prefer") return Object.keys(own).length === 0 ? "prefer" : { ...own, rejectUnauthorized: true }
  if (tls === "require") return { ...own, rejectUnauthorized: false }
  if (tls === "verify-ca") return { ...own, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  return { ...own, rejectUnauthorized: true, host }
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
