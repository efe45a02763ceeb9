import { expect, test } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { ScheduleStore } from "../../src/core/contracts/schedules.ts"
import { systemClock } from "../../src/runtime/clock.ts"
import { tasksBy } from "../support/envelopes.ts"
import { redisServer } from "../support/redis-server.ts"
import { keysOf, redisStore } from "../support/redis-store.ts"
import { every, putOf, turnsBy } from "../support/schedules.ts"

const { now } = systemClock
const turns = turnsBy(systemClock)
const ask = { max: 1000, holder: "beat", leaseMs: 60_000 }
const schedulesOf = ({ schedules }: Driver) => schedules as ScheduleStore

test("a schedule's keys carry the hash tag, and go with it", async () => {
  await using server = await redisServer()
  const schedules = schedulesOf(await server.open({ namespace: "tagged" }))
  const never = new AbortController()
  const idle = schedules.wait(Number.POSITIVE_INFINITY, never.signal)
  await schedules.put([putOf(every("a", 1000), now()), putOf(every("b", 1000))])
  await idle
  const { due } = await schedules.claim(ask)
  await schedules.commit(due.map((one) => turns.fire(one, now() + 60_000)))
  await schedules.pause("b", "by hand")
  const keys = async () =>
    ((await server.command("KEYS", "*schedule*")) as string[])
      .concat((await server.command("KEYS", "*firings*")) as string[])
      .sort()
  expect(await keys()).toEqual(
    ["firings:a", "schedule:a", "schedule:b", "schedules", "schedules:due"].map(
      (key) => `stem:{tagged}:${key}`,
    ),
  )
  await schedules.remove(["a", "b"])
  expect(await keys()).toEqual([])
})

test("of many Beats at once each schedule has one, and each instant fires once", async () => {
  const store = redisStore()
  try {
    const beats = await Promise.all(Array.from({ length: 5 }, () => store.open(systemClock)))
    const names = Array.from({ length: 1200 }, (_, at) => `s${at}`)
    const at = now()
    const first = schedulesOf(beats[0] as Driver)
    await first.put(names.map((name) => putOf(every(name, 1000), at)))
    const claims = await Promise.all(beats.map((beat) => schedulesOf(beat).claim({ ...ask, max: 700 })))
    const taken = claims.flatMap(({ due }) => due)
    expect(taken.map(({ lease }) => lease.id).sort()).toEqual(names.toSorted())
    const ready = taken.map((one) => turns.fire(one, at + 60_000))
    const answers = await Promise.all(beats.map((beat) => schedulesOf(beat).commit(ready)))
    const landed = answers.flat().filter(({ kind }) => kind === "committed")
    expect(landed).toEqual(Array(1200).fill({ kind: "committed", firings: ["fired"] }))
    const [queue] = await (beats[0] as Driver).inspector.queues()
    expect((queue?.ready ?? 0) + (queue?.scheduled ?? 0)).toBe(1200)
  } finally {
    await store.remove()
  }
}, 30_000)

test("a full server commits nothing by halves, and the turn lands when it has memory again", async () => {
  await using server = await redisServer()
  const driver = await server.open()
  const schedules = schedulesOf(driver)
  await schedules.put([putOf(every("a", 1000), now())])
  const { due } = await schedules.claim(ask)
  const ready = due.map((one) => turns.fire(one, now() + 1000))
  await server.command("CONFIG", "SET", "maxmemory", "1mb")
  const refused = await schedules.commit(ready).catch((error) => error)
  expect(refused).toMatchObject({ kind: "unavailable", code: "store_full" })
  expect(await schedules.history("a", 5)).toEqual([])
  expect(await driver.inspector.queues()).toEqual([])
  await server.command("CONFIG", "SET", "maxmemory", "0")
  expect(await schedules.commit(ready)).toEqual([{ kind: "committed", firings: ["fired"] }])
})

test("a definition that can not be read is paused by who claims it, and the others go on", async () => {
  const store = redisStore()
  try {
    const schedules = schedulesOf(await store.open(systemClock))
    await schedules.put([putOf(every("bad", 1000), now() - 1), putOf(every("good", 1000), now())])
    await store.behind((redis) => redis.hset(`${store.prefix}schedule:bad`, "definition", "{"))
    expect((await schedules.claim(ask)).due.map(({ lease }) => lease.id)).toEqual(["good"])
    await schedules.put([putOf(every("bad", 1000), now())])
    expect((await schedules.get(["bad"]))[0]?.paused?.why).toStartWith("it can not be read: ")
  } finally {
    await store.remove()
  }
})

test("the largest instants and any words come back as they were", async () => {
  const store = redisStore()
  try {
    const schedules = schedulesOf(await store.open(systemClock))
    const latest = 8_640_000_000_000_000
    await schedules.put([putOf(every("a/б:c", 1000), now() - 5)])
    const [one] = (await schedules.claim(ask)).due
    if (!one) throw new Error("nothing is due")
    const skipped = " held  back: \n“so” "
    const firings = [latest - 1, latest].map((nominalAt) => ({ nominalAt, firedAt: now(), skipped }))
    const state = { ...one.state, nextAt: latest, held: latest - 1, failures: 3, lastAt: 0, lastId: "x" }
    await schedules.commit([{ lease: one.lease, firings, state, wakeAt: latest, pause: "" }])
    expect((await schedules.get(["a/б:c"]))[0]).toMatchObject({ state, paused: { why: "" } })
    expect(await schedules.history("a/б:c", 5)).toMatchObject(firings.toReversed())
    await schedules.resume("a/б:c", latest)
    expect(await schedules.claim(ask)).toEqual({ due: [], wakeAt: latest })
    const sent = { name: "a/б:c", nominalAt: latest, firedAt: 0, envelope: tasksBy(systemClock)("x") }
    expect(await schedules.fire([sent, { ...sent, nominalAt: 0 }])).toEqual(["fired", "duplicate"])
    await schedules.remove(["a/б:c"])
    const keys = await store.behind((redis) => keysOf(redis, store.prefix))
    expect(keys.filter((key) => /schedule|firings/.test(key))).toEqual([])
  } finally {
    await store.remove()
  }
})

test("who sleeps is told of an earlier instant, and of no other", async () => {
  const store = redisStore()
  try {
    const schedules = schedulesOf(await store.open(systemClock))
    const heard: string[] = []
    await store.behind(async (redis) => {
      redis.on("smessage", (_channel, topic) => heard.push(topic))
      await redis.ssubscribe(`${store.prefix}wake`)
      const asleep = () => store.behind((other) => other.set(`${store.prefix}schedules:asleep`, "1"))
      const after = async (act: () => Promise<unknown>) => {
        heard.length = 0
        await act()
        // What was published before an answer comes before what is published after it.
        await store.behind((other) => other.spublish(`${store.prefix}wake`, "end"))
        while (!heard.includes("end")) await new Promise((resolve) => setTimeout(resolve, 1))
        return heard.slice(0, -1)
      }
      const put = (name: string, dueIn: number) => () =>
        schedules.put([putOf(every(name, dueIn), now() + dueIn)])
      expect(await after(put("a", 50_000))).toEqual([])
      await asleep()
      expect(await after(put("b", 60_000))).toEqual([])
      expect(await after(put("c", 40_000))).toEqual(["s"])
      expect(await after(put("d", 30_000))).toEqual([])
      await schedules.pause("d", "")
      await asleep()
      expect(await after(() => schedules.resume("d", now()))).toEqual(["s"])
      const { due } = await schedules.claim(ask)
      await asleep()
      expect(await after(() => schedules.commit(due.map((one) => turns.fire(one, now() + 100))))).toEqual([
        "s",
      ])
    })
  } finally {
    await store.remove()
  }
})
