import { expect, test } from "bun:test"
import {
  parseShellInput,
  readShellFailure,
  readShellProgress,
  readShellResult,
} from "../../../src/core/task/shell.ts"

test.each([
  ["nothing", null, "the command"],
  ["no argv", {}, "argv"],
  ["an empty argv", { argv: [] }, "names no command"],
  ["an empty name", { argv: ["", "x"] }, "names no command"],
  ["a word that is no text", { argv: ["ls", 5] }, "argv.1"],
  ["a NUL", { argv: ["ls", "a\0b"] }, "NUL"],
  ["a relative folder", { argv: ["ls"], cwd: "here" }, "cwd: is not an absolute path"],
  ["a variable without a name", { argv: ["ls"], env: { "": "x" } }, "variable"],
  ["a variable that is no text", { argv: ["ls"], env: { A: 1 } }, "env.A"],
  ["a umask that is not octal", { argv: ["ls"], umask: "089" }, "umask"],
  ["a niceness beyond all", { argv: ["ls"], nice: 20 }, "nice"],
  ["a user that is an option", { argv: ["ls"], user: "-x" }, "user"],
  ["a field nobody knows", { argv: ["ls"], chroot: "/jail" }, "chroot"],
])("%s is refused as a command", (_, value, why) => {
  expect(() => parseShellInput(value)).toThrow(why)
})

test("a command is kept as it is, and frozen", () => {
  const value = {
    ...{ argv: ["pg_dump", ""], cwd: "/srv", env: { PGHOST: "db" }, umask: "027", nice: 10 },
    ...{ user: "backup", stdin: { a: 1 }, useShell: false },
  }
  const parsed = parseShellInput(value)
  expect(parsed).toEqual(value)
  expect(Object.isFrozen(parsed.argv)).toBeTrue()
})

test("what a command left is read, and what another task left is not", () => {
  const output = { stdout: "a", stderr: "", written: { stdout: 1, stderr: 0 } }
  expect(readShellProgress({ attempt: 2, ...output })).toEqual({ attempt: 2, ...output })
  expect(readShellResult({ exitCode: 0, truncated: false, ...output })?.stdout).toBe("a")
  expect(readShellFailure({ name: "CommandFailed", message: "m", exitCode: 3, output })?.exitCode).toBe(3)
  for (const read of [readShellProgress, readShellResult, readShellFailure])
    for (const other of [null, 5, {}, { name: "Error", message: "m" }, { stdout: "a" }])
      expect(read(other)).toBeUndefined()
})
