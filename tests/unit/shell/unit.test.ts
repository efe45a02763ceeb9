import { expect, test } from "bun:test"
import type { Flags } from "../../../src/commands/shell/command.ts"
import { givenWords, unitFile } from "../../../src/commands/shell/unit.ts"

const FLAGS = {
  queues: { kind: "value", hint: "a", about: "" },
  drain: { kind: "switch", about: "" },
  "shell-allow": { kind: "list", hint: "P", about: "" },
  spool: { kind: "optional", hint: "P", about: "" },
  broker: { kind: "value", hint: "URL", about: "" },
  systemd: { kind: "switch", about: "" },
} as const satisfies Flags

const GIVEN = {
  ...{ queues: "a,b", drain: false, systemd: true, spool: true, "shell-allow": ["/opt/a b", "/c"] },
  broker: "sqlite:./x.db",
}

test("the same flags and operands are given again", () => {
  const { words, secrets } = givenWords(FLAGS, GIVEN, ["./tasks.ts"], ["systemd"])
  expect(words).toEqual([
    "--queues=a,b",
    "--shell-allow=/opt/a b",
    "--shell-allow=/c",
    "--spool",
    "--broker=sqlite:./x.db",
    "./tasks.ts",
  ])
  expect(secrets).toEqual([])
})

const unit = (more: Partial<Parameters<typeof unitFile>[0]> = {}) =>
  unitFile({
    ...{ description: "Stem worker", start: ["/usr/bin/stem", "worker"], directory: "/srv/jobs" },
    ...{ given: { words: [], secrets: [] }, stopMs: 45_000, commands: false, ...more },
  })

test("a password is never written into a unit file", () => {
  const broker = "redis://:hunter2@host:6379"
  const given = givenWords(FLAGS, { ...GIVEN, broker }, [], ["systemd"])
  const text = unit({ given })
  expect(text).not.toContain("hunter2")
  expect(text).toContain("LoadCredential=stem-broker-url:/etc/stem/stem-broker-url\n")
  expect(text).toContain("Environment=STEM_BROKER_URL_FILE=%d/stem-broker-url\n")
})

test("words are quoted so that systemd reads them back as they were", () => {
  const words = ["--a=b c", 'say "hi"', "100%", "$HOME", "back\\slash", "plain/word.ts"]
  expect(unit({ given: { words, secrets: [] } })).toContain(
    String.raw`ExecStart=/usr/bin/stem worker "--a=b c" "say \"hi\"" "100%%" "$$HOME" "back\\slash" plain/word.ts`,
  )
})

test("a unit is told when it is ready, watched, and given time to stop", () => {
  const text = unit()
  for (const line of ["Type=notify", "WatchdogSec=30", "KillMode=mixed", "TimeoutStopSec=75", "User=stem"])
    expect(text.split("\n")).toContain(line)
})

test("a worker that runs commands is not hardened against them", () => {
  const isSet = (text: string) => text.split("\n").includes("NoNewPrivileges=yes")
  expect(isSet(unit())).toBeTrue()
  expect(isSet(unit({ commands: true }))).toBeFalse()
})
