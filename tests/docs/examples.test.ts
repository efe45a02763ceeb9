import { afterAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { blocksOf } from "./blocks.ts"

const ROOT = resolve(import.meta.dir, "../..")
const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stem-docs-"))
  folders.push(folder)
  return folder
}

/** Runs a script as a reader would, with `stem` on the PATH and a home of its own. Stops at the first failure. */
async function sh(script: string, folder: string): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn(["sh", "-eu", "-c", script], {
    cwd: folder,
    env: {
      PATH: `${join(ROOT, "dist")}:${process.env.PATH}`,
      HOME: folder,
      STEM_BROKER_URL: `sqlite:${join(folder, "stem.db")}`,
      STEM_LOG_FORMAT: "pretty",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, out, err }
}

const documents = ["README.md", ...new Bun.Glob("docs/*.md").scanSync(ROOT)].sort()

test("the executable is there", () => {
  expect(existsSync(join(ROOT, "dist/stem"))).toBeTrue()
})

for (const document of documents) {
  const blocks = blocksOf(await Bun.file(join(ROOT, document)).text())
  if (!blocks.some(({ kind }) => kind === "run")) continue
  test(`every example of ${document} runs`, async () => {
    const folder = await freshFolder()
    for (const block of blocks) {
      if (block.kind === "file") await writeFile(join(folder, block.name), block.text)
      else {
        const { code, out, err } = await sh(block.text, folder)
        expect({ at: `${document}:${block.line}`, code, out, err }).toEqual({
          at: `${document}:${block.line}`,
          code: 0,
          out,
          err,
        })
      }
    }
  }, 60_000)
}

test("README's first task says hello", async () => {
  const folder = await freshFolder()
  const [file, run] = blocksOf(await Bun.file(join(ROOT, "README.md")).text())
  if (file?.kind !== "file" || run?.kind !== "run") throw new Error("README begins with a file and a run")
  await writeFile(join(folder, file.name), file.text)
  const { out } = await sh(run.text, folder)
  expect(JSON.parse(out)).toMatchObject({ task: "hello", state: "succeeded", result: "Hello, World!" })
})

test("README's program runs with the package", async () => {
  const folder = await freshFolder()
  for (const block of blocksOf(await Bun.file(join(ROOT, "README.md")).text()))
    if (block.kind === "file") await writeFile(join(folder, block.name), block.text)
  await mkdir(join(folder, "node_modules"))
  await symlink(ROOT, join(folder, "node_modules/stem"))
  const script = `stem worker ./thumbnails.ts & worker=$!
    trap 'kill $worker; wait $worker' EXIT
    "${process.execPath}" program.ts`
  const { code, out, err } = await sh(script, folder)
  expect({ code, out, err }).toEqual({ code: 0, out: "bird.small.png\n", err })
}, 60_000)

test("examples/hello runs with its stem.toml", async () => {
  const folder = await freshFolder()
  await cp(join(ROOT, "examples/hello"), folder, { recursive: true })
  const { code, out, err } = await sh(
    `unset STEM_BROKER_URL
     stem enqueue hello name=you --id h
     stem enqueue greet.all '{"names":["a","b"]}' --queue greetings --id g
     stem enqueue shy --id s
     stem worker --drain
     stem result g -o json`,
    folder,
  )
  expect({ code, err }).toEqual({ code: 0, err })
  expect(out).toContain("Hello, b!")
  expect(existsSync(join(folder, "stem.db"))).toBeTrue()
})

test("files and commands are read from a document", () => {
  const text = "a\n```ts tasks.ts\nx\n```\n```sh run\ny\n```\n```sh\nz\n```\n```text\nw\n```\n"
  expect(blocksOf(text)).toEqual([
    { kind: "file", name: "tasks.ts", text: "x\n", line: 2 },
    { kind: "run", text: "y\n", line: 5 },
  ])
})
