import { examine } from "../conformance/driver.ts"
import { manualClock } from "../support/manual-clock.ts"
import { sqliteFile } from "../support/sqlite-file.ts"

examine({
  name: "sqlite",
  async open() {
    const clock = manualClock()
    const file = sqliteFile()
    const again = () => file.open(clock)
    const driver = await again()
    const damage = async (id: string, text: string) =>
      file.behind((db) => void db.run("UPDATE tasks SET envelope = ? WHERE id = ?", [text, id]))
    return { driver, clock, advance: clock.advance, again, damage, close: file.remove }
  },
})
