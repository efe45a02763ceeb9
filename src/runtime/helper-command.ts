import type { Millis } from "../core/kit/clock.ts"
import { invalid, unavailable } from "../core/kit/errors.ts"

/** What was printed lately, by command: connections that are made together share one run. */
const lately = new Map<string, { readonly line: Promise<string>; over: number }>()
const SHARED_MS: Millis = 1000

/**
 * The first line that a command prints. Throws `invalid` when there is no such program, `unavailable` when it fails
 * or takes longer than `within`: with what it said on stderr, never with what it printed, nor with its own words,
 * which may hold a token.
 */
export async function firstLineOf(command: string, origin: string, within: Millis): Promise<string> {
  const known = lately.get(command)
  if (known && performance.now() < known.over) return known.line
  const run = { line: runOnce(command, origin, within), over: Number.POSITIVE_INFINITY }
  lately.set(command, run)
  try {
    return await run.line
  } catch (error) {
    if (lately.get(command) === run) lately.delete(command)
    throw error
  } finally {
    run.over = performance.now() + SHARED_MS
  }
}

async function runOnce(command: string, origin: string, within: Millis): Promise<string> {
  const child = start(command, origin)
  const deadline = Promise.withResolvers<"late">()
  const timer = setTimeout(() => {
    killAll(child.pid)
    deadline.resolve("late")
  }, within)
  const ended = Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const outcome = await Promise.race([ended, deadline.promise])
  clearTimeout(timer)
  if (outcome === "late")
    throw unavailable(
      "helper_late",
      `${origin}: the command took longer than ${within} ms`,
      "Make it faster, or raise --connect-timeout.",
    )
  const [printed, said, code] = outcome
  const line = (printed.split("\n")[0] ?? "").trim()
  if (code === 0 && line !== "") return line
  const how =
    code === 0
      ? "printed nothing"
      : child.signalCode
        ? `was killed by ${child.signalCode}`
        : `exited with ${code}`
  const why = withoutSecrets(said, line)
  throw unavailable(
    "helper_failed",
    `${origin}: the command ${how}${why && `: ${why}`}`,
    "Run it by hand: the first line of its output has to be the URL.",
  )
}

function start(command: string, origin: string) {
  try {
    // A group of its own, so that nothing it started outlives the deadline.
    return Bun.spawn(wordsOf(command), { stdio: ["ignore", "pipe", "pipe"], detached: true })
  } catch (error) {
    throw invalid(
      "helper_missing",
      `${origin}: there is no such program, or it can not be run`,
      "Give its whole path: a service may have another PATH than you.",
      (error as { code?: string }).code,
    )
  }
}

function killAll(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // It has just ended.
  }
}

/** The words of a plain command; what has marks of the shell in it is the shell's. */
export function wordsOf(command: string): string[] {
  if (/[|&;<>()$`\\*?[\]{}~#!\n]/.test(command) || /^\s*\w+=/.test(command)) return ["sh", "-c", command]
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double),
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const MOST = 500

/** One line of what it said, without what it printed and without credentials of URLs. */
function withoutSecrets(said: string, line: string): string {
  const password = /:\/\/[^:]*:(.+)@/.exec(line)?.[1]
  const secrets = [line, password, password && decoded(password)].filter((one) => one)
  const clean = secrets
    .reduce<string>((text, secret) => text.replaceAll(secret as string, "***"), said)
    .replace(/:\/\/[^\s/?#]*@/g, "://***@")
  const text = clean.trim().replace(/\s*\n\s*/g, "; ")
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text
}
