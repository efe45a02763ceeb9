import { expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { moduleFolder } from "../support/module-folder.ts"
import { resultOf, stem } from "./stem.ts"

const BUILD = join(import.meta.dir, "../../scripts/build-binary.ts")

test("The executable runs where nothing is installed", async () => {
  using folder = moduleFolder({ "tasks.js": "export const hello = (_, ctx) => 'hello from ' + ctx.task" })
  expect(await resultOf(folder, "hello", folder.file("tasks.js"))).toBe("hello from hello")
})

test("Help opens no store and writes no file", async () => {
  using folder = moduleFolder({})
  const answer = await stem(folder, ["--help"])
  expect(answer.code).toBe(0)
  expect(answer.out).toContain("stem worker")
  expect(readdirSync(folder.path)).toEqual([])
})

test("The executable tells its version", async () => {
  using folder = moduleFolder({})
  expect((await stem(folder, ["version"])).out).toContain(manifest.version)
  expect(JSON.parse((await stem(folder, ["version", "-o", "json"])).out)).toMatchObject({
    version: manifest.version,
    bun: Bun.version,
  })
})

test("A bunfig.toml in the current directory runs no code", async () => {
  using folder = moduleFolder({
    "bunfig.toml": 'preload = ["./preload.ts"]',
    "preload.ts": 'import { writeFileSync } from "node:fs"\nwriteFileSync("preloaded", "")',
    "tasks.ts": "export const hello = () => 'hello'",
  })
  expect(await resultOf(folder, "hello")).toBe("hello")
  expect(readdirSync(folder.path)).not.toContain("preloaded")
})

test("A .env file in the current directory changes nothing", async () => {
  using folder = moduleFolder({
    ".env": "STEM_BROKER_URL=sqlite:/nowhere/x.db\nFROM_DOTENV=yes",
    "tasks.ts": "export const seen = () => process.env.FROM_DOTENV ?? 'nothing'",
  })
  expect(await resultOf(folder, "seen")).toBe("nothing")
})

test("Every built target stands in SHA256SUMS", async () => {
  using folder = moduleFolder({})
  const targets = ["linux-x64", "linux-arm64"]
  const asked = targets.flatMap((target) => ["--target", target])
  const build = Bun.spawn([process.execPath, BUILD, ...asked, "--out", folder.path], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  const err = await build.stderr.text()
  expect({ code: await build.exited, err }).toEqual({ code: 0, err })
  const sums = (await Bun.file(folder.file("SHA256SUMS")).text()).trimEnd().split("\n")
  expect(sums).toHaveLength(targets.length)
  for (const [at, target] of targets.entries()) {
    const hash = new Bun.CryptoHasher("sha256")
    hash.update(await Bun.file(folder.file(`stem-${target}`)).bytes())
    expect(sums[at]).toBe(`${hash.digest("hex")}  stem-${target}`)
  }
}, 120_000)
