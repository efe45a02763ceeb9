import { readFileSync } from "node:fs"
import { invalid } from "../../core/kit/errors.ts"

/** A line of /etc/passwd. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

/** Reads accounts by name or number from the text of a passwd file. */
export function accountIn(passwd: string, user: string): Account | undefined {
  for (const line of passwd.split("\n")) {
    const [name = "", , uid, gid, , home = "/", shell = ""] = line.split(":")
    if (name === "" || gid === undefined) continue
    if (name === user || uid === user)
      return { name, uid: Number(uid), gid: Number(gid), home: home || "/", shell: shell || "/bin/sh" }
  }
  return undefined
}

/**
 * Makes this process, for good, that user's: groups, group and user. Answers who that is. Throws `no_such_user`, or
 * `not_root` when this process may not become somebody else.
 */
export function become(user: string): Account {
  const account = accountIn(read("/etc/passwd"), user) ?? accountIn(directory(user), user)
  if (!account) throw invalid("no_such_user", `there is no user ${user}`)
  if (process.getuid?.() === account.uid) return account
  if (process.getuid?.() !== 0)
    throw invalid("not_root", `the worker does not run as root, so it can not run a command as ${user}`)
  // Node and Bun have it; the types of Bun do not.
  const { initgroups } = process as unknown as { initgroups(user: string, group: number): void }
  initgroups(account.name, account.gid)
  process.setgid?.(account.gid)
  process.setuid?.(account.uid)
  return account
}

/** What such a user finds in its environment. */
export const environmentOf = ({ name, home, shell }: Account): Record<string, string> => ({
  ...{ HOME: home, USER: name, LOGNAME: name, SHELL: shell },
})

function read(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Users of a directory service are in no file. */
function directory(user: string): string {
  try {
    return Bun.spawnSync(["getent", "passwd", user]).stdout.toString()
  } catch {
    return ""
  }
}
