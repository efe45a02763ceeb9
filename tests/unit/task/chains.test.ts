import { describe, expect, test } from "bun:test"
import { runThrough, sendThrough } from "../../../src/core/task/chains.ts"
import type { TaskContext } from "../../../src/core/task/context.ts"
import {
  defineMiddleware,
  type Middleware,
  middlewarePlace,
  middlewareProblem,
} from "../../../src/core/task/define-middleware.ts"
import { thrown } from "../../support/thrown.ts"

const ctx = {} as TaskContext
const ask = { id: "a", task: "t", input: 1, options: {} }
const stored = async ({ id }: { id: string }) => ({ id, kind: "stored" })

describe("run", () => {
  const wrap = (name: string, said: string[]): Middleware => ({
    name,
    async run(_, next) {
      said.push(`${name} in`)
      const result = await next()
      said.push(`${name} out`)
      return result
    },
  })

  test("the first is outermost, and those without run are passed by", async () => {
    const said: string[] = []
    const chain = [wrap("a", said), { name: "b" }, wrap("c", said)]
    const result = await runThrough(chain, ctx, 5, async (input) => {
      said.push(`handler ${input}`)
      return 7
    })
    expect(result).toBe(7)
    expect(said).toEqual(["a in", "c in", "handler 5", "c out", "a out"])
  })

  test("input and result can be changed, undefined too, and errors be turned", async () => {
    const add: Middleware = { run: async (_, next) => [await next("other")] }
    const hide: Middleware = { run: (_, next) => next(undefined) }
    const calm: Middleware = { run: (_, next) => next().catch((error) => `calm about ${error.message}`) }
    expect(await runThrough([add], ctx, 1, async (input) => input)).toEqual(["other"])
    expect(await runThrough([hide], ctx, 1, async (input) => String(input))).toBe("undefined")
    const failing = () => Promise.reject(new Error("it"))
    expect(await runThrough([calm], ctx, 1, failing)).toBe("calm about it")
  })

  test("who calls next twice is refused", async () => {
    const twice: Middleware = { name: "two", run: (_, next) => next().then(() => next()) }
    const error = await thrown(runThrough([twice], ctx, 1, async () => 1))
    expect(error).toMatchObject({ code: "next_twice", message: 'middleware "two" has called next twice' })
  })
})

describe("enqueue", () => {
  test("the first is outermost, and each sees what the one before made of it", async () => {
    const head = (key: string): Middleware => ({
      enqueue: (out, next) =>
        next({ ...out, options: { ...out.options, headers: { ...out.options.headers, [key]: key } } }),
    })
    let last: unknown
    const sent = await sendThrough([head("a"), {}, head("b")], ask, async (out) => {
      last = out
      return stored(out)
    })
    expect(last).toEqual({ ...ask, options: { headers: { a: "a", b: "b" } } })
    expect(sent).toEqual({ id: "a", kind: "stored" })
  })

  test.each([
    [
      "an error",
      { enqueue: () => Promise.reject(new Error("not on Sundays")) },
      "refused",
      'middleware "m" refused t: not on Sundays',
    ],
    ["silence", { enqueue: async () => {} }, "not_sent", 'middleware "m" has neither sent t nor refused it'],
    [
      "another id",
      { enqueue: (out, next) => next({ ...out, id: "b" }) },
      "middleware_changed",
      'middleware "m" changed the id of t',
    ],
    [
      "another task",
      { enqueue: (out, next) => next({ ...out, task: "u" }) },
      "middleware_changed",
      'middleware "m" changed the task of t',
    ],
    [
      "next after it was sent",
      { enqueue: (_, next) => next().then(() => next()) },
      "next_twice",
      "t was sent already",
    ],
  ] as [string, Middleware, string, string][])("%s is no way to send", async (_, one, code, message) => {
    let calls = 0
    const error = await thrown(
      sendThrough([{ ...one, name: "m" }], ask, (out) => {
        calls += 1
        return stored(out)
      }),
    )
    expect(error).toMatchObject({ kind: "invalid", code, message })
    expect(calls).toBe(code === "next_twice" ? 1 : 0)
  })

  test("next may be called again after a failure; a failure that is hidden is thrown all the same", async () => {
    let calls = 0
    const flaky = async (out: { id: string }) => {
      calls += 1
      if (calls === 1) throw new TypeError("away")
      return stored(out)
    }
    const again: Middleware = { enqueue: (_, next) => next().catch(() => next()) }
    expect(await sendThrough([again], ask, flaky)).toEqual({ id: "a", kind: "stored" })
    const hide: Middleware = { enqueue: (_, next) => next().catch(() => undefined) }
    calls = 0
    await expect(sendThrough([hide], ask, flaky)).rejects.toThrow("away")
  })
})

test("middleware is known by its definition, in any copy, and what is wrong with it is said", () => {
  const [a, b] = [defineMiddleware({}), defineMiddleware({ name: "b", run: (_, next) => next() })]
  expect(middlewarePlace(b)).toBe((middlewarePlace(a) as number) + 1)
  expect(middlewarePlace({ run: b.run })).toBeUndefined()
  expect(middlewareProblem(b)).toBeUndefined()
  expect(middlewareProblem({ onStart() {} })).toContain("onStart: is no part of middleware")
  expect(middlewareProblem({ run: 5 })).toContain("run: must be a function")
  expect(middlewareProblem({ name: 5 })).toContain("name: must be text")
})
