import { expect, test } from "bun:test"
import { filesOf, matches, read, withoutComments } from "./tree.ts"

/** Wall time, timers, chance and the machine: core is handed all of them. */
const FORBIDDEN =
  /\bDate\.now\b|\bset(?:Timeout|Interval|Immediate)\b|\bMath\.random\b|\bperformance\.now\b|\bnew Date\s*(?:\(\s*\)|(?![\s(\w]))|\bcrypto\.(?:randomUUID|getRandomValues)\b|\bBun\.|(?<![.\w])process\.|\bAbortSignal\.timeout\b/g

const offences = (text: string) => matches(withoutComments(text), FORBIDDEN)

test("core reads no wall time, sets no timer, draws no random number and knows no machine", () => {
  const found = filesOf("src/core/**/*.ts").flatMap((path) =>
    offences(read(path)).map((line) => `${path}:${line}`),
  )
  expect(found).toEqual([])
})

test.each([
  "const t = Date.now()",
  "setTimeout(f, 5)",
  "const i = setInterval(f, 5)",
  "Math.random()",
  "performance.now()",
  "new Date()",
  "new Date",
  "crypto.randomUUID()",
  "Bun.sleep(1)",
  "process.env.HOME",
  "AbortSignal.timeout(5)",
])("%s is found", (text) => {
  expect(offences(text)).toHaveLength(1)
})

test.each([
  "// Date.now() is not read here",
  "new Date(at).toISOString()",
  "settings.process.host",
  "clock.now()",
])("%s is allowed", (text) => {
  expect(offences(text)).toEqual([])
})
