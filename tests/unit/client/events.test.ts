import { expect, test } from "bun:test"
import { connect } from "../../../src/index.ts"

test.each([["nonsense"], [""], [7], [null], [new Date("no date")], [{}], [{ cursor: 7 }], [[]]])(
  "events from %p are refused before one is read, with what may be said",
  async (from) => {
    const client = await connect("memory:events", { routing: false })
    try {
      expect(() => client.events({ from: from as never })).toThrow(
        expect.objectContaining({
          ...{
            kind: "invalid",
            code: "invalid_from",
            message: expect.stringContaining("is no place to begin at"),
          },
          hint: expect.stringContaining("oldest"),
        }),
      )
    } finally {
      await client.close()
    }
  },
)

test("a cursor that is none is refused when it is read", async () => {
  const client = await connect("memory:events", { routing: false })
  try {
    await expect(client.events({ from: { cursor: "nonsense" } }).next()).rejects.toMatchObject({
      ...{ kind: "invalid", code: "invalid_cursor" },
    })
  } finally {
    await client.close()
  }
})
