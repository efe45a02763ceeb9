import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { defineTask } from "stem"
import * as v from "valibot"

const File = v.object({
  file: v.string(),
  /** How many attempts are to fail before one works: the demo's own bad luck. */
  failures: v.optional(v.number(), 0),
})

const badLuck = (attempt: number, failures: number) => {
  if (attempt <= failures) throw Object.assign(new Error("the disk was busy"), { code: "EBUSY" })
}

export const hash = defineTask({
  name: "files.hash",
  queue: "files",
  input: File,
  backoff: { kind: "fixed", base: "200ms" },
  async run({ file, failures }, ctx) {
    badLuck(ctx.attempt, failures)
    return {
      file,
      sha256: createHash("sha256")
        .update(await readFile(file))
        .digest("hex"),
    }
  },
})

export const count = defineTask({
  name: "files.count",
  queue: "files",
  input: File,
  neverRetryOn: ["ENOENT"],
  async run({ file }) {
    const text = await readFile(file, "utf8")
    return { file, lines: text.split("\n").length - 1, words: text.match(/\S+/g)?.length ?? 0 }
  },
})

/** One hash over all files. At its first attempt it tells its process and dawdles, so that it can be killed. */
export const fingerprint = defineTask({
  name: "files.fingerprint",
  queue: "files",
  priority: 9,
  backoff: { kind: "fixed", base: "200ms" },
  input: v.object({ files: v.array(v.string()) }),
  async run({ files }, ctx) {
    if (ctx.attempt === 1) {
      ctx.progress(0, { pid: process.pid })
      await sleep(30_000, undefined, { signal: ctx.signal })
    }
    const all = createHash("sha256")
    for (const file of files) all.update(await readFile(file))
    return all.digest("hex")
  },
})

export const summary = defineTask({
  name: "report.summary",
  queue: "reports",
  input: v.array(v.object({ file: v.string(), lines: v.number(), words: v.number() })),
  run: (counts) => ({
    files: counts.length,
    lines: counts.reduce((sum, { lines }) => sum + lines, 0),
    words: counts.reduce((sum, { words }) => sum + words, 0),
    longest: counts.reduce((longest, next) => (next.lines > longest.lines ? next : longest)).file,
  }),
})
