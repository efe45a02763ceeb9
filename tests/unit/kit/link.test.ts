import { describe, expect, test } from "bun:test"
import { createLink } from "../../../src/core/kit/link.ts"
import { manualClock } from "../../support/manual-clock.ts"

/** A server that can be away, mute or broken, and counts its connections. */
function server() {
  const clock = manualClock()
  const state = {
    mode: "up" as "up" | "refuses" | "hangs",
    connections: 0,
    destroyed: 0,
    tries: 0,
    end: () => {},
  }
  const link = createLink<{ n: number }>({
    clock,
    where: "test://server",
    connectMs: 1000,
    callMs: 5000,
    async connect() {
      state.tries++
      if (state.mode === "refuses") throw new Error("refused")
      if (state.mode === "hangs") return new Promise(() => {})
      return { n: ++state.connections }
    },
    destroy() {
      state.destroyed++
    },
    broken: (error) => String(error).includes("READONLY"),
    onEnd(_, ended) {
      state.end = ended
    },
  })
  return { clock, state, link }
}

describe("a link", () => {
  test("makes one connection for all who ask at once, and keeps it", async () => {
    const { link, state } = server()
    expect(await Promise.all([link.use(async ({ n }) => n), link.use(async ({ n }) => n)])).toEqual([1, 1])
    expect(await link.use(async ({ n }) => n)).toBe(1)
    expect(state.connections).toBe(1)
  })

  test("destroys a connection that does not answer in time, and the next use has another", async () => {
    const { link, clock, state } = server()
    const stuck = link.use(() => new Promise<never>(() => {})).catch((error) => error)
    await clock.advance(5000)
    expect(await stuck).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("no answer within 5000"),
    })
    expect(state.destroyed).toBe(1)
    expect(await link.use(async ({ n }) => n)).toBe(2)
  })

  test("leaves a server that says it may not write, and passes on every other error", async () => {
    const { link, state } = server()
    const fails = (text: string) => link.use(() => Promise.reject(new Error(text))).catch((error) => error)
    expect(await fails("WRONGTYPE")).toMatchObject({ message: "WRONGTYPE" })
    expect(link.up).toBe(true)
    expect(await fails("READONLY replica")).toMatchObject({ kind: "unavailable" })
    expect(link.up).toBe(false)
    expect(state.destroyed).toBe(1)
  })

  test("gives up a connection attempt that hangs, and waits longer after each failure", async () => {
    const { link, clock, state } = server()
    state.mode = "hangs"
    const first = link.use(async () => 1).catch((error) => error)
    await clock.advance(1000)
    expect(await first).toMatchObject({ message: expect.stringContaining("no connection within 1000 ms") })
    state.mode = "refuses"
    const begun = clock.now()
    for (let n = 0; n < 6; n++) {
      const next = link.use(async () => 1).catch((error) => error)
      while (await clock.step(2000)) if (state.tries === n + 2) break
      expect(await next).toMatchObject({ message: "refused" })
    }
    expect(clock.now() - begun).toBeGreaterThan(1000)
    state.mode = "up"
    const back = link.use(async ({ n }) => n)
    await clock.advance(1000)
    expect(await back).toBe(1)
  })

  test("notices that the other side has hung up", async () => {
    const { link, state } = server()
    await link.use(async () => 1)
    state.end()
    expect(link.up).toBe(false)
    expect(await link.use(async ({ n }) => n)).toBe(2)
  })

  test("fails what is under way when it is closed, and everything after", async () => {
    const { link, clock, state } = server()
    state.mode = "refuses"
    await link.use(async () => 1).catch(() => {})
    const waiting = link.use(async () => 1).catch((error) => error)
    await link.close()
    await link.close()
    await clock.advance(0)
    expect(await waiting).toMatchObject({ kind: "unavailable" })
    expect(await link.use(async () => 1).catch((error) => error)).toMatchObject({ code: "store_closed" })
  })
})
