/** The public names of Stem, for programs and task modules. */
export type { Client, EnqueueAsk, Sent, StatusOf, TaskRef } from "./core/client/client.ts"
export type { EventsOptions, Told } from "./core/client/events.ts"
export type { FlowEnd, GroupView, SentFlow } from "./core/client/flows.ts"
export type { Cancelled, Enqueued } from "./core/contracts/broker.ts"
export type { Duration } from "./core/kit/duration.ts"
export { StemError } from "./core/kit/errors.ts"
export type { TaskContext, TaskLog } from "./core/task/context.ts"
export {
  type BackoffFunction,
  type BackoffOption,
  type DefinedTask,
  defineTask,
  type Handler,
  retryAfter,
  type TaskDefinition,
} from "./core/task/define.ts"
export {
  defineMiddleware,
  type Middleware,
  type Outgoing,
  type TaskHookEvent,
  type WorkerHookEvent,
} from "./core/task/define-middleware.ts"
export {
  defineSchedule,
  type ScheduleDefinition,
  type ScheduleTimes,
} from "./core/task/define-schedule.ts"
export type { EventKind, SeenEvent, StoredEvent } from "./core/task/event.ts"
export type { Failure } from "./core/task/failure.ts"
export {
  type Chain,
  chain,
  chord,
  chunks,
  type Flow,
  type GroupFlow,
  type GroupOptions,
  group,
  map,
  type Step,
  type StepOptions,
  step,
} from "./core/task/flow.ts"
export type { ConcurrencyOption, LimitKey, RateLimitOption } from "./core/task/limit-spec.ts"
export type { EnqueueOptions } from "./core/task/options.ts"
export type { StandardSchema } from "./core/task/schema.ts"
export type { Progress, Replay, TaskState, TaskStatus } from "./core/task/status.ts"
export { connect } from "./stem.ts"
