/**
 * Where a store's URL is read from, before every connection: so a changed password needs no restart. Messages name
 * `origin`, never what was read.
 */
export interface UrlSource {
  readonly kind: "given" | "file" | "command"
  /** The URL itself, the path of the file that holds it, or the command whose first line of output it is. */
  readonly text: string
  /** The flag, the variable or the file that says so. */
  readonly origin: string
  /** Holds the password for a URL that has none. */
  readonly passwordFile?: { readonly path: string; readonly origin: string } | undefined
}
