import { expect, test } from "bun:test"
import { createBell } from "../../src/adapters/sqlite/bell.ts"
import { connect } from "../../src/adapters/sqlite/connection.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { seededRandom } from "../support/random.ts"
import { sqliteFile } from "../support/sqlite-file.ts"

test("no commit of another process is missed, though nothing polls, whenever it comes", async () => {
  const file = sqliteFile()
  const [listener, writer] = [await connect(file.path), await connect(file.path)]
  const bell = createBell(listener, systemClock, 2 ** 30)
  const insert = writer.sql("INSERT INTO namespaces (name) VALUES (?1)")
  const random = seededRandom(3)
  let missed = 0
  for (let n = 0; n < 150; n++) {
    // The first commit is still being looked for when the second is waited for.
    insert.run(`first-${n}`)
    const heard = bell.heard()
    const rings = bell.next(heard, 2000)
    await Bun.sleep(random() * 6)
    insert.run(`second-${n}`)
    const asked = performance.now()
    await rings
    if (performance.now() - asked > 1500) missed++
  }
  expect(missed).toBe(0)
  bell.close()
  listener.close()
  writer.close()
  await file.remove()
}, 60_000)
