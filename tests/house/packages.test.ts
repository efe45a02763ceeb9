import { expect, test } from "bun:test"
import { importsOf } from "./import-rule.ts"
import { filesOf, read } from "./tree.ts"

interface Manifest {
  readonly version: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
const manifest = JSON.parse(read("package.json")) as Manifest

/** Dev dependencies that nothing imports, and where they are used. */
const BY_NAME: Readonly<Record<string, { in: string; as: string }>> = {
  "@biomejs/biome": { in: "scripts/check.ts", as: '"biome"' },
  "@fission-ai/openspec": { in: "scripts/check.ts", as: '"openspec"' },
  typescript: { in: "scripts/check.ts", as: '"tsc"' },
  "@types/bun": { in: "tsconfig.json", as: '"bun"' },
  bun: { in: "package.json", as: "bun scripts/" },
}

const unused = (names: readonly string[], imported: ReadonlySet<string>) =>
  names.filter((name) => {
    const use = BY_NAME[name]
    return use ? !read(use.in).includes(use.as) : !imported.has(name)
  })

const importedBy = (pattern: string): ReadonlySet<string> =>
  new Set(
    filesOf(pattern)
      .flatMap((path) => importsOf(read(path)))
      .filter((name) => !name.startsWith("."))
      .map((name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/")),
  )

test("every dependency is used by the sources", () => {
  expect(unused(Object.keys(manifest.dependencies), importedBy("src/**/*.ts"))).toEqual([])
})

test("every dev dependency is used", () => {
  const imported = importedBy("{tests,scripts,bench,examples}/**/*.{ts,mjs}")
  expect(unused(Object.keys(manifest.devDependencies), imported)).toEqual([])
})

test("the sources import nothing that is not a dependency", () => {
  const known = new Set([...Object.keys(manifest.dependencies), "bun", "stem"])
  const strangers = [...importedBy("src/**/*.ts")].filter(
    (name) => !known.has(name) && !/^(node|bun):/.test(name),
  )
  expect(strangers).toEqual([])
})

test("every npm script begins with setup and names files that exist", () => {
  for (const [name, command] of Object.entries(manifest.scripts)) {
    for (const path of command.match(/\b(?:scripts|bench)\/[\w./-]+/g) ?? [])
      expect({ name, path, found: filesOf(path).length }).toEqual({ name, path, found: 1 })
    if (/\bbun /.test(command)) expect(command).toStartWith("node scripts/setup.mjs && ")
  }
})

test("an unused package is found", () => {
  expect(unused(["left-pad", "valibot"], new Set(["valibot"]))).toEqual(["left-pad"])
})

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >
}
const missingIn = ({ packages }: Lock) =>
  Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
    ),
  )

test("package-lock.json knows the packages of every platform, else npm ci refuses it", () => {
  expect(missingIn(JSON.parse(read("package-lock.json")) as Lock)).toEqual([])
  const lock = {
    packages: { "node_modules/a": { optionalDependencies: { b: "1", c: "1" } }, "node_modules/b": {} },
  }
  expect(missingIn(lock)).toEqual(["c"])
})
