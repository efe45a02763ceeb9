import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { UrlSource } from "../../../src/core/contracts/credentials.ts"
import { reachOf, readUrl } from "../../../src/runtime/credentials.ts"
import { wordsOf } from "../../../src/runtime/helper-command.ts"
import { thrown } from "../../support/thrown.ts"

const folder = mkdtempSync(join(tmpdir(), "stem-credentials-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
function write(text: string): string {
  const path = join(folder, String(++files))
  writeFileSync(path, text)
  return path
}
const given = (text: string, password?: string): UrlSource => ({
  ...{ kind: "given", text, origin: "--broker" },
  ...(password !== undefined && {
    passwordFile: { path: write(password), origin: "STEM_BROKER_PASSWORD_FILE" },
  }),
})
const command = (text: string): UrlSource => ({ kind: "command", text, origin: "STEM_BROKER_URL_COMMAND" })

const PASSWORDS: [url: string, password: string, whole: string][] = [
  ["redis://host/0", "secret\n", "redis://:secret@host/0"],
  ["redis://user@host", "p@ss/w#rd ", "redis://user:p%40ss%2Fw%23rd%20@host"],
  ["postgres://user:@host/db?sslmode=require", "x", "postgres://user:x@host/db?sslmode=require"],
  ["redis+sentinel://a:1,b:2/main", "x", "redis+sentinel://:x@a:1,b:2/main"],
  ["redis://user:own@host", "other", "redis://user:own@host"],
  ["sqlite:/var/stem.db", "x", "sqlite:/var/stem.db"],
]
test("A password file fills in a URL that has no password", async () => {
  for (const [url, password, whole] of PASSWORDS)
    expect(await readUrl(given(url, password), 1000)).toBe(whole)
  expect(await thrown(readUrl(given("redis://host", "\n"), 1000))).toMatchObject({ kind: "invalid" })
})

test("a plain command is run without a shell, and one with marks of the shell in a shell", () => {
  expect(wordsOf(`vault kv get -field=url "secret/my app" 'x y'`)).toEqual([
    ...["vault", "kv", "get", "-field=url", "secret/my app", "x y"],
  ])
  for (const line of ["a | head -1", "echo $URL", "cat ~/url", "A=b c", "a; b"])
    expect(wordsOf(line)).toEqual(["sh", "-c", line])
})

test("the first line of a helper command is the URL", async () => {
  expect(await readUrl(command("echo redis://u:p@host/0"), 5000)).toBe("redis://u:p@host/0")
  expect(await readUrl(command("printf 'redis://host\\nmore\\n'; echo chatter >&2"), 5000)).toBe(
    "redis://host",
  )
})

test("The failure of a helper command tells its stderr and no secret", async () => {
  const table: [string, string][] = [
    [
      "echo redis://u:s3cr3t@h; echo denied s3cr3t redis://a:s3cr3t@b >&2; exit 3",
      "exited with 3: denied ***",
    ],
    ["echo s3cr3t", "first line is not a store's URL"],
    ["true", "printed nothing"],
    ["s3cr3t-no-such-program", "there is no such program"],
    ["kill -9 $$; echo s3cr3t", "was killed by SIGKILL"],
  ]
  for (const [line, message] of table) {
    const error = await thrown(readUrl(command(line), 5000))
    expect(error.message).toStartWith("STEM_BROKER_URL_COMMAND: ")
    expect(error.message).toContain(message)
    expect(
      Bun.inspect(error)
        .split("\n")
        .filter((text) => !/^\s*\d+ \|/.test(text))
        .join(),
    ).not.toContain("s3cr3t")
  }
})

test("a helper command that takes too long is killed with all it started", async () => {
  const path = join(folder, "pid")
  const error = await thrown(readUrl(command(`sleep 600 & echo $! > ${path}; wait`), 300))
  expect(error).toMatchObject({ kind: "unavailable", code: "helper_late" })
  const pid = Number(readFileSync(path, "utf8"))
  while (isAlive(pid)) await Bun.sleep(5)
})

function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has collected yet is dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

test("connections made together share one run of the helper command", async () => {
  const path = join(folder, "runs")
  const source = command(`echo run >> ${path}; echo redis://host`)
  await Promise.all([readUrl(source, 5000), readUrl(source, 5000), readUrl(source, 5000)])
  expect(readFileSync(path, "utf8")).toBe("run\n")
})

test("what is given once is never asked for again, all else before every connection", async () => {
  expect((await reachOf(given("redis://host"), 1000)).options).toEqual({ connectTimeoutMs: 1000 })
  const path = write("redis://:one@host\n")
  const { url, options } = await reachOf({ kind: "file", text: path, origin: "STEM_BROKER_URL_FILE" }, 1000)
  expect(url).toBe("redis://:one@host")
  writeFileSync(path, "redis://:two@host\n")
  expect(await options.freshUrl?.()).toBe("redis://:two@host")
})

test("a file that is gone is a mistake at first, and a store that is away later", async () => {
  const path = write("redis://host")
  const source: UrlSource = { kind: "file", text: path, origin: "STEM_BROKER_URL_FILE" }
  const { options } = await reachOf(source, 1000)
  rmSync(path)
  expect(await thrown(options.freshUrl?.() as Promise<string>)).toMatchObject({
    kind: "unavailable",
    message: `STEM_BROKER_URL_FILE: ${path} can not be read`,
  })
  expect(await thrown(reachOf(source, 1000))).toMatchObject({ kind: "invalid" })
})
