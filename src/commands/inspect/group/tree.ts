import { bodyIdOf } from "../../../core/canvas/start.ts"
import type { Client } from "../../../core/client/client.ts"
import type { GroupView } from "../../../core/client/flows.ts"
import { derivedId } from "../../../core/kit/derived-id.ts"
import { isEnded, type TaskState } from "../../../core/task/status.ts"
import { stepAfter } from "../../../core/task/steps.ts"

/** A task or a group of a flow, as it stands. */
export interface Node {
  /** Its place in the group above it, or what it is to that. */
  readonly label: string
  readonly id: string
  readonly task?: string | undefined
  readonly state: TaskState | GroupView["state"] | "unknown"
  readonly error?: string | undefined
  /** Of a group: its members, how many of them have arrived, and how many of those failed. */
  readonly size?: number
  readonly arrived?: number
  readonly failed?: number
  readonly children: readonly Node[]
  /** Members that are not shown. */
  readonly more?: number | undefined
}

/** The tree of a group, at most so many members of each shown: those that failed first, then by their places. */
export async function treeOf(client: Client, view: GroupView, most: number, label = "group"): Promise<Node> {
  const { id, size, state, arrived, failed } = view
  const arrivals = new Map(view.arrivals.map((arrival) => [arrival.index, arrival]))
  const places = Array.from({ length: size }, (_, index) => index)
  const bad = places.filter((index) => arrivals.get(index)?.ok === false)
  const shown = [...new Set([...bad, ...places])].slice(0, most).sort((a, b) => a - b)
  const members: Node[] = []
  for (const index of shown) {
    const arrival = arrivals.get(index)
    const first = derivedId(id, `:${index}`)
    const inner = await client.group(first)
    if (inner) members.push(await treeOf(client, inner, most, `#${index}`))
    else if (arrival && !arrival.ok)
      members.push({
        ...leaf(`#${index}`, arrival.id, await badEnd(client, arrival.id)),
        error: arrival.error?.message,
      })
    else if (arrival) members.push(leaf(`#${index}`, arrival.id, "succeeded"))
    else members.push(await whereItIs(client, `#${index}`, first))
  }
  const ends = [bodyIdOf(id), derivedId(id, ":broken")]
  const after: Node[] = []
  for (const [at, end] of ends.entries()) {
    const found = await client.result(end)
    if (found)
      after.push({ ...(await whereItIs(client, at === 0 ? "body" : "broken", end)), task: found.task })
  }
  return {
    ...{ label, id, state, size, arrived, failed, children: [...members, ...after] },
    ...(size > shown.length && { more: size - shown.length }),
  }
}

/** How a member that counts as failed ended. What became of it since, replayed alone, is no affair of the group. */
async function badEnd(client: Client, id: string): Promise<Node["state"]> {
  const state = (await client.result(id))?.state
  return state === "cancelled" || state === "expired" ? state : "failed"
}

const leaf = (label: string, id: string, state: Node["state"]): Node => ({ label, id, state, children: [] })

/** The step of a member's chain that it has come to. */
async function whereItIs(client: Client, label: string, first: string): Promise<Node> {
  let node = leaf(label, first, "unknown")
  for (let id = first; ; id = stepAfter(id)) {
    const status = await client.result(id)
    if (!status) return node
    node = { ...leaf(label, id, status.state), task: status.task, error: status.error?.message }
    if (!isEnded(status.state) || status.state !== "succeeded") return node
  }
}

/** Lines as `tree` draws them. */
export function draw(node: Node, line: (node: Node) => string): string {
  const lines = [line(node)]
  const walk = ({ children, more }: Node, indent: string) => {
    children.forEach((child, at) => {
      const last = at === children.length - 1 && more === undefined
      lines.push(`${indent}${last ? "└─ " : "├─ "}${line(child)}`)
      walk(child, `${indent}${last ? "   " : "│  "}`)
    })
    if (more !== undefined) lines.push(`${indent}└─ … ${more} more; see --limit`)
  }
  walk(node, "")
  return `${lines.join("\n")}\n`
}
