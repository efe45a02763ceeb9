import { expect, test } from "bun:test"
import { FILES, filesOf, matches, read } from "./tree.ts"

// Written in two halves, so that this file does not find itself.
// A made-up person is called "me".
const PATHS = new RegExp(
  `(?<![\\w.$}])/(?:${"ho"}me/(?!me\\b)|${"Us"}ers/|${"ro"}ot/|${"wo"}rk/)[A-Za-z]\\S*`,
  "g",
)
const LATER = new RegExp(`\\b(?:${"TO"}DO|${"FIX"}ME|${"XX"}X)\\b`, "g")
const TEXT = /\.(?:ts|mjs|json|md|toml|ya?ml|sql|sh|txt)$|(?:^|\/)(?:Dockerfile|LICENSE|run)$/

const texts = FILES.filter((path) => TEXT.test(path))
const offences = (pattern: RegExp) =>
  texts.flatMap((path) => matches(read(path), pattern).map((line) => `${path}:${line}`))

test("no file names a place on somebody's machine", () => {
  expect(texts.length).toBeGreaterThan(80)
  expect(offences(PATHS)).toEqual([])
  expect(matches(`cd ${"/ho"}me/ann/x`, PATHS)).toHaveLength(1)
  expect(matches("https://example.org/home/page", PATHS)).toEqual([])
})

test("nothing is put off in a comment", () => {
  expect(offences(LATER)).toEqual([])
  expect(matches(`// ${"TO"}DO: later`, LATER)).toHaveLength(1)
})

const sections = (changelog: string) => [...changelog.matchAll(/^## \[([^\]]+)\]/gm)].map(([, name]) => name)

test("the changelog has a place for this version", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string }
  const found = sections(read("CHANGELOG.md"))
  expect(found.includes("Unreleased") || found.includes(version)).toBeTrue()
  expect(sections("# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n")).toEqual([
    "Unreleased",
    "0.1.0",
  ])
})

const linksOf = (text: string) =>
  [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to]) => to as string)

test("every link between documents leads somewhere", () => {
  const broken = filesOf("{*.md,docs/**/*.md}").flatMap((path) =>
    linksOf(read(path))
      .filter((to) => {
        const at = new URL(to, `file:///${path}`).pathname.slice(1)
        return !FILES.some((file) => file === at || file.startsWith(`${at.replace(/\/$/, "")}/`))
      })
      .map((to) => `${path}: ${to}`),
  )
  expect(broken).toEqual([])
  expect(linksOf("[a](docs/a.md#b) [c](https://c.org) [d](#d)")).toEqual(["docs/a.md"])
})

test("AGENTS.md names paths that exist", () => {
  const named = [
    ...read("AGENTS.md").matchAll(/`((?:src|tests|scripts|bench|docs|examples|docker|openspec)\/[\w./-]*)`/g),
  ]
  expect(named.length).toBeGreaterThan(10)
  const missing = named
    .map(([, path]) => path as string)
    .filter((path) => !FILES.some((file) => file.startsWith(path)))
  expect(missing).toEqual([])
})

test("every decision stands in the index", () => {
  const index = read("docs/decisions/README.md")
  const pages = filesOf("docs/decisions/[0-9]*.md").map((path) => path.slice("docs/decisions/".length))
  expect(pages.length).toBeGreaterThan(0)
  expect(pages.filter((page) => !index.includes(`(${page})`))).toEqual([])
})
