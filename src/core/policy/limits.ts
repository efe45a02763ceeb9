import type { TaskSpec } from "../task/define.ts"
import type { Envelope, TimeLimits } from "../task/envelope.ts"
import { DEFAULT_RETRY, type RetryPolicy } from "../task/retry.ts"

/** What holds for one task: the sender's word first, then the task's definition, then the defaults. */
export const retryPolicyOf = (envelope: Envelope, spec: TaskSpec | undefined): RetryPolicy =>
  envelope.retry === undefined && spec
    ? spec.retry
    : { ...DEFAULT_RETRY, ...spec?.retry, ...withoutHoles(envelope.retry) }

/** As {@link retryPolicyOf}; a limit nobody set does not exist. */
export const timeLimitsOf = (envelope: Envelope, spec: TaskSpec | undefined): TimeLimits =>
  envelope.timeLimits === undefined && spec
    ? spec.timeLimits
    : { ...spec?.timeLimits, ...withoutHoles(envelope.timeLimits) }

const withoutHoles = <T extends object>(value: T | undefined): Partial<T> =>
  value === undefined
    ? {}
    : (Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>)
