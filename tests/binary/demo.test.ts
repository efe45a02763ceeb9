import { expect, test } from "bun:test"
import { join, resolve } from "node:path"

const ROOT = resolve(import.meta.dir, "../..")

test("The numbers of the demo add up", async () => {
  const demo = Bun.spawn([process.execPath, join(ROOT, "scripts/demo.ts"), "--no-build"], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err, code] = await Promise.all([
    new Response(demo.stdout).text(),
    new Response(demo.stderr).text(),
    demo.exited,
  ])
  expect({ code, out, err }).toEqual({ code: 0, out, err })
  expect(out).not.toContain("!!")
  expect(out).toContain("Everything adds up")
  // In a pipe it is plain.
  expect(out).not.toContain("\u001b")
}, 120_000)
