import { expect, test } from "bun:test"
import { parseCrontab } from "../../../src/core/beat/crontab.ts"
import { toCrontab } from "../../../src/core/beat/crontab-export.ts"
import { parseSchedule, type ScheduleDraft } from "../../../src/core/task/schedule.ts"

const SYSTEM = `# /etc/cron.d/site
SHELL=/bin/bash
PATH = "/usr/local/bin:/usr/bin"
MAILTO=ops@example.org

17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
CRON_TZ=Europe/Berlin
@daily www-data /usr/bin/report > /dev/null
  30 2 * * 1-5  backup  /opt/backup --date "$(date +\\%F)"
CRON_TZ=
5 4 * * sun root mail -s hi root%Hello,%100\\% done.
`

test("a system crontab is read line by line: users, settings, zones, % and macros", () => {
  const { entries, errors } = parseCrontab(SYSTEM, "system")
  expect(errors).toEqual([])
  const env = { SHELL: "/bin/bash", PATH: "/usr/local/bin:/usr/bin", MAILTO: "ops@example.org" }
  const warnings = ["output is not mailed to ops@example.org: it is kept with each run"]
  expect(entries).toEqual([
    {
      line: 6,
      spec: { kind: "cron", expression: "17 *\t* * *" },
      user: "root",
      env,
      command: "cd / && run-parts --report /etc/cron.hourly",
      warnings,
    },
    {
      line: 8,
      spec: { kind: "cron", expression: "@daily" },
      timezone: "Europe/Berlin",
      user: "www-data",
      env,
      command: "/usr/bin/report > /dev/null",
      warnings,
    },
    {
      line: 9,
      spec: { kind: "cron", expression: "30 2 * * 1-5" },
      timezone: "Europe/Berlin",
      user: "backup",
      env,
      command: '/opt/backup --date "$(date +%F)"',
      warnings,
    },
    {
      line: 11,
      spec: { kind: "cron", expression: "5 4 * * sun" },
      user: "root",
      env,
      command: "mail -s hi root",
      stdin: "Hello,\n100% done.\n",
      warnings,
    },
  ])
})

test("settings hold for the lines below them only, and quotes keep spaces", () => {
  const { entries } = parseCrontab(`0 1 * * * a\nX=' b '\n"Y Z"=c\n0 2 * * * d`, "user")
  expect(entries.map(({ env }) => env)).toEqual([{}, { X: " b ", "Y Z": "c" }])
})

test.each([
  ["61 * * * * a", "user", 'column 1: "61" is not a minute'],
  ["@reboot a", "user", "@reboot is not a time"],
  ["@dayly a", "user", '"@dayly" is not known'],
  ["0 3 * *", "user", "neither a setting nor five fields"],
  ["0 3 * * *", "user", "there is no command"],
  ["0 3 * * * root", "system", "there is no command"],
  ["0 3 * * * /bin/true", "system", '"/bin/true" stands where the user should'],
  ["CRON_TZ=Mars", "user", "which is no time zone"],
  ["hello", "user", "neither a setting"],
] as const)("%j in a %s crontab is told with its line, and the others are read", (text, format, message) => {
  const who = format === "system" ? "root " : ""
  const { entries, errors } = parseCrontab(`0 1 * * * ${who}a\n${text}\n0 2 * * * ${who}b\n`, format)
  expect(entries.map(({ line }) => line)).toEqual([1, 3])
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatchObject({ line: 2, text })
  expect(errors[0]?.message).toContain(message)
})

test.each([
  ["0 3 * * * root /bin/true", "looks like the user of a system crontab"],
  ["-0 3 * * * /bin/true", "the leading -"],
  ["TZ=Asia/Tokyo\n0 3 * * * /bin/true", "CRON_TZ"],
  ["MAILTO=a\n0 3 * * * /bin/true", "not mailed to a"],
])("%j is warned of", (text, warning) => {
  const { entries } = parseCrontab(text, "user")
  expect(entries[0]?.warnings.join()).toContain(warning)
})

test("an empty MAILTO, comments and Windows line ends are no matter", () => {
  const { entries, errors } = parseCrontab('MAILTO=""\r\n# a\r\n\r\n0 3 * * * b\r\n', "user")
  expect(errors).toEqual([])
  expect(entries).toMatchObject([{ line: 4, command: "b", warnings: [] }])
})

const schedule = (name: string, spec: ScheduleDraft["spec"], more: Partial<ScheduleDraft> = {}) =>
  parseSchedule({ v: 1, name, task: "t", spec, ...more } as ScheduleDraft)
const cron = (expression: string) => ({ kind: "cron", expression }) as const

test("schedules are written as a crontab, and what cron has no word for is said", () => {
  const { text, left, reduced } = toCrontab(
    [
      schedule("a", cron("@daily")),
      schedule("b", cron("0 5/20 3 * * fri-sun"), { timezone: "Europe/Berlin", jitterMs: 5, endAt: 9 }),
      schedule("c", cron("0 0 L * *")),
      schedule("d", { kind: "every", everyMs: 300_000, anchor: 0 }, { timezone: "Europe/Berlin" }),
      schedule("e", { kind: "every", everyMs: 90_000, anchor: 0 }),
      schedule("f", { kind: "solar", event: "noon", latitude: 1, longitude: 1 }),
      schedule("g", cron("30 0 3 * * *")),
    ],
    ({ name }) => ({ command: `run ${name} 100%`, ...(name === "a" && { lost: ["user"] }) }),
  )
  expect(text).toBe(`CRON_TZ=UTC
# a, without: user
0 0 * * * run a 100\\%
CRON_TZ=Europe/Berlin
# b, without: end, jitter
5-59/20 3 * * fri-7 run b 100\\%
# c: cron can not express L, W, # and ?
# d
*/5 * * * * run d 100\\%
# e: cron can not express this interval
# f: cron can not express the sun
# g: cron can not express seconds
`)
  expect(left.map(({ name }) => name)).toEqual(["c", "e", "f", "g"])
  expect(reduced).toEqual([
    { name: "a", lost: ["user"] },
    { name: "b", lost: ["end", "jitter"] },
  ])
})

test("what is written is read again as the same", () => {
  const { text } = toCrontab([schedule("a", cron("5 4 1,15 * mon"), { timezone: "Asia/Tokyo" })], () => ({
    command: "x '%'",
    stdin: "one\n50%\n",
  }))
  expect(parseCrontab(text, "user").entries).toEqual([
    {
      line: 3,
      spec: cron("5 4 1,15 * mon"),
      timezone: "Asia/Tokyo",
      env: {},
      command: "x '%'",
      stdin: "one\n50%\n",
      warnings: [],
    },
  ])
})
