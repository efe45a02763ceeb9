import { expect, test } from "bun:test"
import { type Client, chain, chord, connect, defineTask, type Flow, group } from "../../../src/index.ts"

const add = defineTask<number, number>({ name: "add", run: (n) => n + 1 })
const own = defineTask<{ k: number }, unknown>({
  ...{ name: "own", unique: { key: ({ k }) => `${k}` }, fair: ({ k }) => k },
  run: (input) => input,
})

async function withClient(use: (client: Client) => Promise<void>) {
  const client = await connect("memory:flows", { routing: false })
  try {
    await use(client)
  } finally {
    await client.close()
  }
}

const refusals: readonly [string, string, Flow][] = [
  ["a step that is a text", "invalid_flow", chain("add" as never)],
  ["a member that is a definition", "invalid_flow", group([add as never])],
  ["an id with a space", "invalid_id", group([add.s(1)], { id: "a b" })],
  ["an id of 201 characters", "invalid_id", chain(add.s(1, { id: "x".repeat(201) }))],
  ["an empty id", "invalid_id", chord([add.s(1)], add.s(), { id: "" })],
  ["an id of a member", "inner_id", group([add.s(1, { id: "mine" })])],
  ["an id of a later step", "inner_id", chain(add.s(1), add.s(1, { id: "mine" }))],
  ["a group's id within another", "inner_id", group([group([add.s(1)], { id: "mine" })])],
  ["a unique member", "unique_step", group([own.s({ k: 1 })])],
  ["a later step that is unique", "unique_step", chain(add.s(1), own.s())],
]
test.each(refusals)("a flow with %s is refused as %s", (_, code, flow) =>
  withClient(async (client) => {
    await expect(client.enqueue(flow)).rejects.toMatchObject({ kind: "invalid", code })
  }),
)

test("a unique task may begin a flow, and a double is told which task is there and waits for it alone", () =>
  withClient(async (client) => {
    const flow = chain(own.s({ k: 1 }), add.s())
    const first = await client.enqueue(flow)
    expect(first).toMatchObject({ kind: "stored", trail: [{ task: first.id }, { task: `${first.id}/1` }] })
    const begins = { task: "own", queue: "default", state: "queued" } as const
    expect(await client.enqueue(flow)).toEqual({
      ...{ id: first.id, kind: "duplicate", trail: [{ task: first.id }], first: begins },
    })
    const unique = { mode: "replace", key: "1" } as const
    expect(await client.enqueue(chain(own.s({ k: 1 }, { unique }), add.s()))).toEqual({
      ...{ id: first.id, kind: "replaced", trail: first.trail, first: begins },
    })
  }))

test("what is no task is refused", () =>
  withClient(async (client) => {
    await expect(client.enqueue(undefined as never)).rejects.toMatchObject({ code: "unnamed_task" })
  }))

test("a step with no input of its own asks no key function for one", () =>
  withClient(async (client) => {
    const { kind } = await client.enqueue(chain(add.s(1), own.s(undefined as never, { unique: false })))
    expect(kind).toBe("stored")
  }))

test("a fair key may be a number", () =>
  withClient(async (client) => {
    expect((await client.enqueue(own, { k: 7 })).kind).toBe("stored")
    expect((await client.enqueue("add", 1, { fair: 7 })).kind).toBe("stored")
  }))
