import { expect, test } from "bun:test"
import { locate } from "../../src/adapters/redis/location.ts"

const at = (host: string, port = 6379) => [{ host, port }]

test.each([
  ["redis://", { kind: "server", hosts: at("127.0.0.1"), db: 0, shown: "redis://127.0.0.1:6379" }],
  ["redis://h/3", { hosts: at("h"), db: 3, shown: "redis://h:6379/3" }],
  ["rediss://h:1", { tls: true, hosts: at("h", 1), shown: "rediss://h:1" }],
  ["redis://:p%40ss@h", { password: "p@ss", shown: "redis://h:6379" }],
  [
    "redis://me:a:b@[::1]:7",
    { username: "me", password: "a:b", hosts: at("::1", 7), shown: "redis://[::1]:7" },
  ],
  ["redis://token@h", { username: "token" }],
  [
    "redis+sentinel://:p@a,b:2/main/1",
    { kind: "sentinel", master: "main", db: 1, shown: "redis+sentinel://a:26379,b:2/main/1" },
  ],
  ["rediss+cluster://a:1,b:2", { kind: "cluster", tls: true, shown: "rediss+cluster://a:1,b:2" }],
] as const)("%s leads where it says, and is shown without secrets", (url, parts) => {
  expect(locate(url)).toMatchObject(parts as object)
})

test.each([
  "redis:h",
  "redis://a,b",
  "redis://h:0",
  "redis://h:65536",
  "redis://h/db",
  "redis://h/0/1",
  "redis://h?x=secret",
  "redis://%zz:secret@h",
  "redis+sentinel://h",
  "redis+cluster://h/1",
])("%s is refused, naming no secret", (url) => {
  try {
    expect(locate(url)).toBeUndefined()
  } catch (error) {
    expect(error).toMatchObject({ kind: "invalid", code: "invalid_store_url" })
    expect(Bun.inspect(error)).not.toContain("secret")
  }
})
