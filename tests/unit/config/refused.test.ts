import { expect, test } from "bun:test"
import { resolveConfig, type Sources } from "../../../src/core/config/resolve.ts"
import { StemError } from "../../../src/core/kit/errors.ts"

const MACHINE = {
  ...{ cores: 2, host: "box", pid: 7, terminal: false },
  ...{ broker: "sqlite:/state/stem.db", spool: "/state/spool.db" },
}
const resolve = (given: Partial<Sources>) =>
  resolveConfig({ flags: {}, env: {}, files: [], directory: "/here", machine: MACHINE, ...given })
const file = (text: string, name = "stem.toml", directory = "/project") => ({ name, directory, text })

async function refused(given: Partial<Sources>): Promise<StemError> {
  try {
    await resolve(given)
  } catch (error) {
    if (error instanceof StemError) return error
    throw error
  }
  throw new Error("it was accepted")
}

const WRONG: [Partial<Sources>, string][] = [
  [{ flags: { concurrency: "many" } }, '--concurrency: "many" is not a whole number from 1 to 10000'],
  [{ flags: { concurrency: "0" } }, '--concurrency: "0" is not a whole number from 1 to 10000'],
  [{ flags: { lease: "soon" } }, '--lease: "soon" is not a duration'],
  [{ flags: { lease: "1ms" } }, '--lease: "1ms" is too short; the least is 500ms'],
  [{ flags: { queues: "a=3,b" } }, "--queues: either every queue has a weight (a=3,b=1) or none has (a,b)"],
  [{ flags: { queues: "a,a" } }, '--queues: queue "a" is named twice'],
  [{ flags: { queues: "a=0" } }, '--queues: the weight of queue "a" is not a whole number from 1 to 1000'],
  [{ flags: { queues: "" } }, '--queues: "" is not a queue\'s name'],
  [{ flags: { "max-rss": "lots" } }, '--max-rss: "lots" is not a size; write it as 512MB or 2GB'],
  [{ env: { STEM_LOG_LEVEL: "loud" } }, 'STEM_LOG_LEVEL: "loud" is none of debug, info, warn, error, silent'],
  [
    { env: { STEM_BROKER_URL: "here" } },
    "STEM_BROKER_URL: this is not a store's URL, such as sqlite:./stem.db",
  ],
  [
    { files: [file('worker.concurrency = "x"')] },
    'stem.toml: worker.concurrency: "x" is not a whole number from 1 to 10000',
  ],
  [
    { files: [file("worker.lease = 30")] },
    'stem.toml: worker.lease: 30 is not a duration; write it as text, as in "30s"',
  ],
  [{ env: { STEM_TLS_CERT: "us.crt" } }, "STEM_TLS_CERT names a certificate without its key"],
  [{ flags: { "tls-key": "us.key" } }, "--tls-key names a key without its certificate"],
  [
    { files: [file("connect-timeout = 5")] },
    'stem.toml: connect-timeout: 5 is not a duration; write it as text, as in "30s"',
  ],
  [{ files: [file("spool = 5")] }, "stem.toml: spool: 5 is neither a path nor true nor false"],
  [{ files: [file('broker-command = "x"')] }, "stem.toml: broker-command: there is no such setting"],
  [{ files: [file("worker.concurency = 2")] }, "stem.toml: worker.concurency: there is no such setting"],
  [{ files: [file("[wroker]\nlease = '1s'")] }, "stem.toml: wroker: there is no such setting"],
  [{ files: [file("worker = 3")] }, "stem.toml: worker: there is no such setting"],
  [{ files: [file("worker.drain = true")] }, "stem.toml: worker.drain: there is no such setting"],
]
for (const [given, message] of WRONG)
  test(`refused: ${message}`, async () => {
    const error = await refused(given)
    expect(error).toMatchObject({ kind: "invalid", code: "invalid_config", message })
    expect(error.hint).toBeString()
  })

test("a wrong key is answered with the one that was probably meant", async () => {
  expect((await refused({ files: [file("worker.concurency = 2")] })).hint).toBe(
    "Did you mean worker.concurrency?",
  )
  expect((await refused({ files: [file("[wroker]\nlease = '1s'")] })).hint).toBe("Did you mean worker?")
})

test("text that is not TOML is named with its line", async () => {
  expect((await refused({ files: [file('a = "b"\nbroker = \n')] })).message).toMatch(/^stem\.toml:2:\d+: /)
})

test("a wrong value in a file is told even where a flag overrules it", async () => {
  const error = await refused({ flags: { concurrency: "1" }, files: [file("worker.concurrency = 0")] })
  expect(error.message).toStartWith("stem.toml: worker.concurrency: ")
})

test("what is wrong with a URL never repeats it", async () => {
  const error = await refused({ env: { STEM_BROKER_URL: "redis//:secret@host" } })
  expect(error.message + error.hint).not.toContain("secret")
})
