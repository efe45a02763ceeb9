import { expect, test } from "bun:test"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { configFolder, makeStateFolder, type Person, stateFolder } from "../../../src/runtime/paths.ts"

const ann: Person = { env: {}, home: "/h/ann", isRoot: false }
const root: Person = { env: {}, home: "/r", isRoot: true }
const set = { XDG_STATE_HOME: "/s", XDG_CONFIG_HOME: "/c" }

test.each([
  [ann, "/h/ann/.local/state/stem", "/h/ann/.config/stem"],
  [root, "/var/lib/stem", "/etc/stem"],
  [{ ...ann, env: set }, "/s/stem", "/c/stem"],
  [{ ...root, env: set }, "/s/stem", "/c/stem"],
  [
    { ...ann, env: { XDG_STATE_HOME: "relative", XDG_CONFIG_HOME: "" } },
    "/h/ann/.local/state/stem",
    "/h/ann/.config/stem",
  ],
] as [Person, string, string][])(
  "%p keeps its state in %s and its settings in %s",
  (person, state, config) => {
    expect(stateFolder(person)).toBe(state)
    expect(configFolder(person)).toBe(config)
  },
)

test("the state folder is its owner's alone", () => {
  const temp = mkdtempSync(join(tmpdir(), "stem-paths-"))
  const path = makeStateFolder(join(temp, "a", "stem"))
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(makeStateFolder(path)).toBe(path)
  rmSync(temp, { recursive: true })
})

test("a state folder that can not be made is explained", async () => {
  const temp = mkdtempSync(join(tmpdir(), "stem-paths-"))
  await Bun.write(join(temp, "file"), "")
  expect(() => makeStateFolder(join(temp, "file", "stem"))).toThrow(
    expect.objectContaining({ kind: "unavailable", code: "state_folder" }),
  )
  rmSync(temp, { recursive: true })
})
