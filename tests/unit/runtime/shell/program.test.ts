import { expect, test } from "bun:test"
import { chmodSync, symlinkSync } from "node:fs"
import { findProgram, isAllowed } from "../../../../src/runtime/shell/program.ts"
import { moduleFolder } from "../../../support/module-folder.ts"

test.each([
  ["/opt/jobs/a", ["/opt/jobs/a"], true],
  ["/opt/jobs/ab", ["/opt/jobs/a"], false],
  ["/opt/jobs/a", ["/opt/jobs/*"], true],
  ["/opt/jobs/sub/a", ["/opt/jobs/*"], false],
  ["/opt/jobs/sub/a", ["/opt/jobs/**"], true],
  ["/opt/jobs/a.sh", ["/opt/jobs/*.{sh,py}"], true],
  ["/opt/jobs/a.rb", ["/opt/jobs/*.{sh,py}", "/usr/bin/env"], false],
  ["/usr/bin/env", ["/opt/jobs/*", "/usr/bin/env"], true],
])("%s under %p: %p", (path, patterns, allowed) => {
  expect(isAllowed(path, patterns)).toBe(allowed)
})

test("links in folders are followed, and the last link is not", () => {
  using folder = moduleFolder({ "real/box": "", "real/other": "" })
  symlinkSync(folder.file("real"), folder.file("link"))
  symlinkSync(folder.file("real/box"), folder.file("real/ls"))
  symlinkSync(folder.file("real/box"), folder.file("real/sh"))
  expect(isAllowed(folder.file("link/box"), [folder.file("real/box")])).toBeTrue()
  expect(isAllowed(folder.file("real/box"), [folder.file("link/box")])).toBeTrue()
  expect(isAllowed(folder.file("real/sh"), [folder.file("real/ls")])).toBeFalse()
})

test("a program is looked up in PATH, the first that can be executed", () => {
  using folder = moduleFolder({ "one/tool": "", "two/tool": "", "three/tool": "" })
  for (const name of ["two/tool", "three/tool"]) chmodSync(folder.file(name), 0o755)
  const path = ["one", "two", "three"].map(folder.file).join(":")
  const place = { cwd: folder.path, path }
  expect(findProgram({ argv: ["tool", "-x"] }, place, [])).toEqual({
    ...{ program: folder.file("two/tool"), argv0: "tool", args: ["-x"] },
  })
  const own = { argv: ["tool"], env: { PATH: folder.file("three") } }
  expect(findProgram(own, place, [])).toMatchObject({ program: folder.file("three/tool") })
  expect(findProgram({ argv: ["./two/tool"] }, place, [])).toMatchObject({ program: folder.file("two/tool") })
  expect(findProgram({ argv: ["./one/tool"] }, place, [])).toMatchObject({ code: "not_executable" })
  expect(findProgram({ argv: ["./one"] }, place, [])).toMatchObject({ code: "not_executable" })
  expect(findProgram({ argv: ["none"] }, place, [])).toMatchObject({ code: "not_found" })
})

test("a script is sh's, with its own arguments", () => {
  const found = findProgram({ argv: ["echo $1", "a b"], useShell: true }, { cwd: "/", path: "" }, [])
  expect(found).toEqual({ program: "/bin/sh", argv0: "/bin/sh", args: ["-c", "echo $1", "sh", "a b"] })
})

test("with an allow list nothing is told of what is not on it", () => {
  const place = { cwd: "/", path: "/bin" }
  for (const argv of [["/bin/secret"], ["none"]])
    expect(findProgram({ argv }, place, ["/opt/**"])).toMatchObject({ code: "not_allowed" })
  for (const name of ["LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "NODE_OPTIONS"])
    expect(findProgram({ argv: ["/bin/sh"], env: { [name]: "x" } }, place, ["/bin/sh"])).toMatchObject({
      code: "not_allowed",
    })
})
