import { expect, test } from "bun:test"
import { inheritedBy, stdinOf, toldTo } from "../../../../src/runtime/shell/environment.ts"
import { accountIn } from "../../../../src/runtime/shell/person.ts"
import { jobOf } from "../../../support/job.ts"

test("nothing of Stem's own and nothing of the service manager's is inherited", () => {
  const env = {
    ...{ PATH: "/bin", HOME: "/h", PGPASSWORD: "theirs", gone: undefined },
    ...{ STEM_BROKER_URL: "s", STEM_RESULT_BACKEND_URL_FILE: "s", STEM_ISOLATE: "1" },
    ...{ NOTIFY_SOCKET: "s", WATCHDOG_USEC: "1", WATCHDOG_PID: "1", LISTEN_FDS: "1", NODE_CHANNEL_FD: "3" },
  }
  expect(inheritedBy(env)).toEqual({ PATH: "/bin", HOME: "/h", PGPASSWORD: "theirs" })
  expect(inheritedBy({ PATH: "" }).PATH).toContain("/usr/bin")
})

test("which run it is can not be forged by the task's own variables", () => {
  const { delivery } = jobOf("shell", null, { id: "a", token: 5, attempt: 2 })
  expect(toldTo({ argv: ["x"], env: { A: "1", STEM_TOKEN: "99" } }, delivery, 4)).toEqual({
    ...{ A: "1", STEM_TASK_ID: "a", STEM_QUEUE: "default", STEM_ATTEMPT: "2", STEM_MAX_ATTEMPTS: "4" },
    ...{ STEM_TOKEN: "5", STEM_IDEMPOTENCY_KEY: "a", STEM_HEADERS: "{}" },
  })
})

test("stdin is text or JSON", () => {
  const of = (stdin?: unknown) => stdinOf({ argv: ["x"], stdin })
  expect([of(), of("a"), of(null), of({ a: 1 }), of(5)]).toEqual([undefined, "a", "null", '{"a":1}', "5"])
})

test("an account is found by name and by number", () => {
  const passwd = "root:x:0:0:root:/root:/bin/bash\nbackup:x:34:34::/var/backups:\n# a note\n"
  const backup = { name: "backup", uid: 34, gid: 34, home: "/var/backups", shell: "/bin/sh" }
  expect(accountIn(passwd, "backup")).toEqual(backup)
  expect(accountIn(passwd, "34")).toEqual(backup)
  for (const nobody of ["nobody", "x", "1", "# a note", ""]) expect(accountIn(passwd, nobody)).toBeUndefined()
})
