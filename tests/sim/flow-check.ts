import { expect } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Flow, GroupFlow, Step } from "../../src/core/task/flow.ts"
import type { TaskStatus } from "../../src/core/task/status.ts"

/** How a part of a flow ended. */
interface End {
  readonly ok: boolean
  readonly result?: unknown
}

/** What is before a step: nothing, a result, or the group whose body it is. */
type Before = { readonly result: unknown } | undefined

/**
 * Holds what a store says of a flow against the flow itself, by a walk of its own: each task ran with the right input,
 * what follows a failure never was, and of each group exactly one of body and broken was sent.
 */
export async function checkFlow(
  store: Driver,
  flow: Flow,
  id: string,
  told: string,
): Promise<{ tasks: number; groups: number }> {
  const count = { tasks: 0, groups: 0 }
  const statusOf = async (task: string): Promise<TaskStatus | undefined> =>
    (await store.results.get([task]))[0]
  const ended = async (task: string): Promise<TaskStatus> => {
    const status = await statusOf(task)
    if (!status) throw new Error(`${told}: ${task} has no end`)
    count.tasks += 1
    return status
  }
  const never = async (task: string) =>
    expect({ told, task, status: await statusOf(task) }).toEqual({ told, task, status: undefined })

  /** Steps of a chain, flat; the parts of a member's chain carry its end to its group. */
  const flat = (one: Flow): readonly (Step | GroupFlow)[] =>
    one.kind === "chain" ? one.steps.flatMap(flat) : [one]

  async function task(one: Step, at: string, before: Before): Promise<End> {
    const { state, result } = await ended(at)
    const ok = state === "succeeded"
    if (ok)
      expect({ told, at, result }).toEqual({
        told,
        at,
        result: { tag: one.options?.headers?.tag, got: inputOf(one, before) },
      })
    else expect({ told, at, state }).toEqual({ told, at, state: "failed" })
    return { ok, result }
  }

  async function group(one: GroupFlow, at: string, before: Before): Promise<End> {
    count.groups += 1
    const [facts] = await store.groups.get([at])
    const ends: End[] = []
    for (const [index, member] of one.members.entries())
      ends.push(await walk(member, `${at}:${index}`, before, true))
    const failed = ends.filter(({ ok }) => !ok).length
    const state = failed > (one.tolerate ?? 0) ? "broken" : "complete"
    const known = { state: facts?.state, arrived: facts?.arrived, failed: facts?.failed }
    expect({ told, at, ...known }).toEqual({ told, at, state, arrived: ends.length, failed })
    if (state === "broken") await never(`${at}:body`)
    if (state === "broken" && one.broken) {
      const callback = await ended(`${at}:broken`)
      expect((callback.result as { got: { group: string } } | undefined)?.got.group ?? at).toBe(at)
    } else await never(`${at}:broken`)
    return { ok: state === "complete", result: ends.map(({ ok, result }) => (ok ? (result ?? null) : null)) }
  }

  /** A chain from `id` on. `member`: its end is a member's, so that a group at its end has a joint after it. */
  async function walk(one: Flow, first: string, start: Before, member: boolean): Promise<End> {
    const parts = flat(one)
    let [at, before, end]: [string, Before, End] = [first, start, { ok: true }]
    for (const [n, part] of parts.entries()) {
      end = part.kind === "task" ? await task(part, at, before) : await group(part, at, before)
      const next = parts[n + 1]
      if (part.kind === "group") {
        if (!end.ok) {
          if (member) expect((await ended(`${at}:broke`)).state).toBe("failed")
          return end
        }
        if (next?.kind === "group" || (!next && member))
          end = { ok: true, result: (await ended(`${at}:body`)).result }
        else await never(`${at}:broke`)
        at = next?.kind === "group" ? after(`${at}:body`) : `${at}:body`
      } else if (!end.ok) {
        await never(after(at))
        return end
      } else at = after(at)
      before = { result: end.result }
    }
    return end
  }

  await walk(flow, id, undefined, false)
  return count
}

function after(id: string): string {
  const step = /\/(\d+)$/.exec(id)
  return step ? `${id.slice(0, step.index)}/${Number(step[1]) + 1}` : `${id}/1`
}

function inputOf({ input, options }: Step, before: Before): unknown {
  if (!before) return input ?? null
  if (input === undefined) return before.result
  const { merge } = options ?? {}
  if (merge === undefined) return input
  if (merge !== true) return { ...(input as object), [merge]: before.result }
  const { result } = before
  const fields = typeof result === "object" && result !== null && !Array.isArray(result)
  return fields ? { ...result, ...(input as object) } : { result, ...(input as object) }
}
