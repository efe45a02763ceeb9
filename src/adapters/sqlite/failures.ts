import { SQLiteError } from "bun:sqlite"
import { StemError, unavailable } from "../../core/kit/errors.ts"

interface Trouble {
  readonly code: string
  readonly says: (path: string) => string
  readonly hint: (path: string) => string
}

const TROUBLES: readonly (readonly [sqlite: RegExp, Trouble])[] = [
  [
    /^SQLITE_FULL/,
    {
      code: "store_full",
      says: (path) => `there is no room left for ${path}`,
      hint: () => "Free some disk space; nothing has to be restarted.",
    },
  ],
  [
    /^SQLITE_(READONLY|PERM|AUTH)/,
    {
      code: "store_readonly",
      says: (path) => `${path} can not be written`,
      hint: (path) => `Check who may write the file and its folder: ls -ld ${path} ${path}/..`,
    },
  ],
  [
    /^SQLITE_(CORRUPT|NOTADB)/,
    {
      code: "store_corrupt",
      says: (path) => `${path} is damaged, or is not an SQLite database`,
      hint: (path) => `Restore it from a backup, or try to rescue it: sqlite3 ${path} .recover`,
    },
  ],
  [
    /^SQLITE_(BUSY|LOCKED)/,
    {
      code: "store_busy",
      says: (path) => `another process has kept ${path} locked for too long`,
      hint: (path) => `Find who holds it: fuser ${path}`,
    },
  ],
  [
    /^SQLITE_CANTOPEN/,
    {
      code: "store_unreachable",
      says: (path) => `${path} can not be opened`,
      hint: (path) => `Check that it is a file, and who may read and write it: ls -ld ${path} ${path}/..`,
    },
  ],
  [
    /^SQLITE_(IOERR|NOMEM|NOLFS|PROTOCOL)/,
    {
      code: "store_io",
      says: (path) => `the disk failed while ${path} was used`,
      hint: () => "Look into the system's log (dmesg) for what the disk says.",
    },
  ],
]

/** Whether somebody else holds the lock, so that trying again can help. */
export const isBusy = (error: unknown): boolean =>
  error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code ?? "")

/** The trouble of the whole store as `unavailable`, naming the file and what to do; undefined for anything else. */
export function storeTrouble(error: unknown, path: string): StemError | undefined {
  if (error instanceof StemError && error.kind === "unavailable") return error
  // The system may refuse to make the file before SQLite sees it.
  const code = error instanceof SQLiteError ? (error.code ?? "") : codeOfSystemError(error)
  const trouble = TROUBLES.find(([pattern]) => pattern.test(code))?.[1]
  return trouble && unavailable(trouble.code, trouble.says(path), trouble.hint(path), error)
}

const SYSTEM_CODES: Record<string, string> = {
  EACCES: "SQLITE_READONLY",
  EPERM: "SQLITE_READONLY",
  EROFS: "SQLITE_READONLY",
  ENOSPC: "SQLITE_FULL",
  EDQUOT: "SQLITE_FULL",
  EISDIR: "SQLITE_CANTOPEN",
  EMFILE: "SQLITE_CANTOPEN",
  ENOENT: "SQLITE_CANTOPEN",
  ENOTDIR: "SQLITE_CANTOPEN",
  ELOOP: "SQLITE_CANTOPEN",
  ENXIO: "SQLITE_CANTOPEN",
  ENAMETOOLONG: "SQLITE_CANTOPEN",
}

const codeOfSystemError = (error: unknown) =>
  SYSTEM_CODES[String((error as { code?: unknown } | undefined)?.code)] ?? ""
