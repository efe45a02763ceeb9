import { StemError } from "../core/kit/errors.ts"
import { defineTask, retryAfter } from "../core/task/define.ts"
import { defineMiddleware } from "../core/task/define-middleware.ts"
import { defineSchedule } from "../core/task/define-schedule.ts"
import { chain, chord, chunks, group, map, step } from "../core/task/flow.ts"

/**
 * What `import … from "stem"` gives in a task module; src/index.ts exports the same names. In a file of its own, for
 * a command that loads no module does not pay for it.
 */
export const publicNamesWith = <Connect>(connect: Connect) =>
  Object.freeze({
    ...{ defineTask, defineSchedule, defineMiddleware, retryAfter, connect, StemError },
    ...{ step, chain, group, chord, map, chunks },
  })
