import { expect, test } from "bun:test"
import fc from "fast-check"
import { maskUrl } from "../../../src/core/config/mask.ts"

const TABLE: [url: string, shown: string][] = [
  ["sqlite:/var/lib/stem/stem.db", "sqlite:/var/lib/stem/stem.db"],
  ["memory:", "memory:"],
  ["redis://host:6379/0", "redis://host:6379/0"],
  ["redis://:secret@host:6379/0", "redis://:***@host:6379/0"],
  ["redis://user:secret@host/0", "redis://user:***@host/0"],
  ["postgres://user@host/db", "postgres://user@host/db"],
  ["postgres://user:p@ss@host/db", "postgres://user:***@host/db"],
  ["postgres://host/db?user=a&password=secret", "postgres://host/db?user=a&password=***"],
  ["redis://user:p/w#d@host/0", "redis://user:***@host/0"],
  ["amqp://host/?access_token=secret&x=1", "amqp://host/?access_token=***&x=1"],
]
for (const [url, shown] of TABLE) test(`${url} is shown as ${shown}`, () => expect(maskUrl(url)).toBe(shown))

test("Secrets are masked wherever a value is shown: no password survives", () => {
  const word = fc.stringMatching(/^[a-z]{3,8}$/)
  fc.assert(
    fc.property(word, fc.stringMatching(/^S[A-Z0-9:!$]{6,20}$/), word, (user, secret, host) => {
      expect(
        maskUrl(`redis://${user}:${secret}@${host}/0?password=${secret.replace(/[:!$]/g, "")}`),
      ).not.toContain(secret)
    }),
  )
})
