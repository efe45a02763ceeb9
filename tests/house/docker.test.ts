import { expect, test } from "bun:test"
import { read } from "./tree.ts"

/** The instructions of a Dockerfile: comments dropped, continued lines joined. */
const instructionsOf = (text: string) =>
  text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? []
      return { name: name.toUpperCase(), rest: rest.replace(/\s+/g, " ") }
    })

function faultsOf(text: string): readonly string[] {
  const all = instructionsOf(text)
  const of = (name: string) => all.filter((line) => line.name === name).map(({ rest }) => rest)
  const faults: string[] = []
  for (const image of of("FROM")) {
    const tag = /^[^\s:@]+:([^\s@]+)/.exec(image)?.[1]
    if (!tag || tag === "latest" || !/\d/.test(tag)) faults.push(`FROM ${image}: the base is not pinned`)
  }
  for (const copy of [...of("COPY"), ...of("ADD")]) {
    const sources = copy
      .split(" ")
      .filter((part) => !part.startsWith("--"))
      .slice(0, -1)
    for (const source of sources)
      if (source !== "dist/stem") faults.push(`COPY ${source}: only the executable belongs into the image`)
  }
  const user = of("USER").at(-1)
  if (!user || /^(root|0)\b/.test(user)) faults.push("it runs as root")
  if (!/^\["stem"/.test(of("ENTRYPOINT").at(-1) ?? ""))
    faults.push("its entry point is not the executable itself")
  return faults
}

test("The container image runs without rights", () => {
  const text = read("docker/Dockerfile")
  expect(faultsOf(text)).toEqual([])
  // What is copied is what the build makes, and what the builder is given.
  expect(read("scripts/binary/targets.ts")).toContain('"stem"')
  expect(read("docker/Dockerfile.dockerignore").split("\n")).toContain("!dist/stem")
})

test("a careless recipe is found", () => {
  const careless = "FROM debian:latest\nCOPY . /app\nUSER root\nENTRYPOINT stem worker\n"
  expect(faultsOf(careless)).toHaveLength(4)
  expect(faultsOf("FROM debian\n")).toHaveLength(3)
})
