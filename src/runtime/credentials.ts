import type { UrlSource } from "../core/contracts/credentials.ts"
import type { DriverOptions, TlsFiles } from "../core/contracts/driver.ts"
import type { Millis } from "../core/kit/clock.ts"
import { invalid, messageOf, StemError, unavailable } from "../core/kit/errors.ts"
import { firstLineOf } from "./helper-command.ts"

/**
 * The URL with the credentials of this moment. Throws `invalid` for a file that can not be read, `unavailable` for a
 * command that fails; no message repeats a secret.
 */
export async function readUrl(source: UrlSource, within: Millis): Promise<string> {
  const { passwordFile } = source
  const url = await readSource(source, within)
  if (!passwordFile || !hasRoomForPassword(url)) return url
  const password = (await readText(passwordFile.path, passwordFile.origin)).replace(/\r?\n$/, "")
  if (password !== "") return withPassword(url, password)
  throw invalid("empty_secret", `${passwordFile.origin}: ${passwordFile.path} is empty`)
}

/** How a driver reaches its store: by this URL now, and by what is read anew before every other connection. */
export interface Reach {
  readonly url: string
  readonly options: Pick<DriverOptions, "connectTimeoutMs" | "freshUrl" | "tls">
}

/** Reads the URL for the first time. Throws as {@link readUrl}. */
export async function reachOf(source: UrlSource, within: Millis, tls?: TlsFiles): Promise<Reach> {
  const options = { connectTimeoutMs: within, ...(tls && { tls }) }
  const url = await readUrl(source, within)
  const fixed = source.kind === "given" && !source.passwordFile
  return { url, options: fixed ? options : { ...options, freshUrl: () => readAgain(source, within) } }
}

/** What can not be read in this moment may be there at the next attempt: all trouble is `unavailable`. */
async function readAgain(source: UrlSource, within: Millis): Promise<string> {
  try {
    return await readUrl(source, within)
  } catch (error) {
    if (!(error instanceof StemError) || error.kind === "unavailable") throw error
    throw unavailable(error.code, error.message, error.hint, error)
  }
}

async function readSource({ kind, text, origin }: UrlSource, within: Millis): Promise<string> {
  if (kind === "given") return text
  const url =
    kind === "file" ? (await readText(text, origin)).trim() : await firstLineOf(text, origin, within)
  if (/^[a-z][a-z0-9+.-]*:\S*$/i.test(url)) return url
  throw invalid(
    "not_a_url",
    kind === "file"
      ? `${origin}: what ${text} holds is not a store's URL`
      : `${origin}: the command's first line is not a store's URL`,
    "It should be one line, such as redis://user:password@host:6379/0.",
  )
}

async function readText(path: string, origin: string): Promise<string> {
  try {
    return await Bun.file(path).text()
  } catch (error) {
    throw invalid(
      "unreadable_secret",
      `${origin}: ${path} can not be read`,
      "Check its path and who may read it.",
      messageOf(error),
    )
  }
}

/** `scheme://`, and the user where there is one. Stores on this machine have neither. */
const AUTHORITY = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#]*)@)?/i

function hasRoomForPassword(url: string): boolean {
  const [, , user = ""] = AUTHORITY.exec(url) ?? []
  return AUTHORITY.test(url) && !/:./.test(user)
}

function withPassword(url: string, password: string): string {
  const [head, scheme, user = ""] = AUTHORITY.exec(url) as unknown as [string, string, string?]
  return `${scheme}${user.replace(/:$/, "")}:${encodeURIComponent(password)}@${url.slice(head.length)}`
}
