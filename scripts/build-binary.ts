/**
 * `npm run build`: compiles dist/stem for this machine and tries it. `-- --all`, or `-- --target linux-arm64`
 * (again for more), builds dist/stem-<target> for others instead; dist/SHA256SUMS names what was built. `--out`
 * names another folder than dist.
 */
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import manifest from "../package.json" with { type: "json" }
import { compile } from "./binary/compile.ts"
import { smoke } from "./binary/smoke.ts"
import { measureStart } from "./binary/start-time.ts"
import { fileFor, isTarget, TARGETS, type Target } from "./binary/targets.ts"
import { ROOT } from "./steps.ts"

const { values } = parseArgs({
  options: {
    all: { type: "boolean" },
    target: { type: "string", multiple: true },
    out: { type: "string", default: join(ROOT, "dist") },
  },
})
const dist = resolve(values.out)
const unknown = values.target?.find((name) => !isTarget(name))
if (unknown) {
  console.error(`--target ${unknown}: not known. The targets are ${TARGETS.join(", ")}.`)
  process.exit(2)
}
const targets = values.all ? TARGETS : (values.target as Target[] | undefined)
const commit = Bun.spawnSync(["git", "rev-parse", "--short=12", "HEAD"], { cwd: ROOT })
  .stdout.toString()
  .trim()

const built: string[] = []
for (const target of targets ?? [undefined]) {
  const outfile = join(dist, fileFor(target))
  await compile({ entry: join(ROOT, "src/main.ts"), outfile, target, commit })
  built.push(outfile)
  console.log(`${fileFor(target)}: ${((await stat(outfile)).size / 2 ** 20).toFixed(1)} MB`)
}
await Bun.write(join(dist, "SHA256SUMS"), (await Promise.all(built.map(sumOf))).join(""))

const here = built[targets ? targets.indexOf(`${process.platform}-${process.arch}` as Target) : 0]
if (here) await tryOut(here)

async function sumOf(file: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256")
  for await (const part of Bun.file(file).stream()) hash.update(part)
  return `${hash.digest("hex")}  ${file.slice(dist.length + 1)}\n`
}

async function tryOut(binary: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "stem-build-"))
  try {
    await smoke(binary, manifest.version, folder)
    const { stemMs, helloMs } = await measureStart(binary, ["--help"], folder)
    console.log(
      `stem --help: ${stemMs.toFixed(1)} ms; hello-world of the same runtime: ${helloMs.toFixed(1)} ms`,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}
