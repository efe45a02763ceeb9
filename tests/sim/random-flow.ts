import { chain, type Flow, group, type Step, step } from "../../src/core/task/flow.ts"
import type { Script } from "./handlers.ts"

/** Steps that a random flow is made of, so that nothing grows without end. */
const DEEPEST = 3

/** A flow of random shape, whose tasks take a while, fail, and crash. Each step has a tag of its own. */
export function randomFlow(pick: (below: number) => number): Flow {
  let tags = 0

  function task(): Step {
    const script: Script = {
      ms: pick(6) === 0 ? pick(20_000) : pick(500),
      fails: pick(8) === 0 ? pick(9) : 0,
      crashes: pick(12) === 0 ? pick(3) : 0,
      deaf: pick(8) === 0,
    }
    const headers = { script: JSON.stringify(script), tag: `t${tags++}` }
    const own = pick(4) === 0 ? { own: tags } : undefined
    const merge = own && pick(2) === 0 ? { merge: pick(2) === 0 ? (true as const) : "before" } : {}
    const delay = pick(6) === 0 ? { delay: pick(3000) } : {}
    return step("sim", own, { headers, ...merge, ...delay })
  }

  function any(depth: number): Flow {
    const shape = depth === 0 ? 0 : pick(4)
    if (shape <= 1) return task()
    const several = (most: number) => Array.from({ length: pick(most + 1) }, () => any(depth - 1))
    if (shape === 2) return chain(any(depth - 1), ...several(2))
    return group(several(4), {
      ...(pick(3) === 0 && { tolerate: pick(3) }),
      ...(pick(2) === 0 && { broken: task() }),
    })
  }

  return chain(any(DEEPEST), any(DEEPEST - 1))
}
