import { open } from "../../src/adapters/memory/driver.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { WorkerEvent } from "../../src/core/observe/events.ts"
import type { AutoscalePolicy } from "../../src/core/policy/autoscale.ts"
import type { TaskSpec } from "../../src/core/task/define.ts"
import { parseEnvelope } from "../../src/core/task/envelope.ts"
import type { QueueLimits } from "../../src/core/task/limit-spec.ts"
import { type RunningWorker, startWorker } from "../../src/core/worker/worker.ts"
import { type ManualClock, manualClock } from "../support/manual-clock.ts"
import { type Run, type Script, SPEC, simulatedIsolates } from "./handlers.ts"
import { type Machine, machine } from "./machine.ts"

export interface Node {
  readonly machine: Machine
  readonly worker: RunningWorker
  readonly events: WorkerEvent[]
}

/** A store, machines with workers, and one clock that is moved by hand. */
export interface Cluster {
  readonly clock: ManualClock
  readonly store: Driver
  readonly diary: Run[]
  readonly nodes: Node[]
  boot(settings?: {
    concurrency?: number
    drain?: boolean
    autoscale?: AutoscalePolicy
    queues?: readonly string[]
  }): Promise<Node>
  enqueue(id: string, script: Script, also?: Record<string, unknown>): Promise<void>
}

export const LEASE = 10_000
let stores = 0

/** `own` changes what the worker knows of its task, `queueLimits` of its queues. */
export async function cluster(
  seed: number,
  own: Partial<TaskSpec> = {},
  queueLimits: ReadonlyMap<string, QueueLimits> = new Map(),
): Promise<Cluster> {
  const clock = manualClock({ seed })
  const store = await open(`memory:sim-${++stores}`, { namespace: "sim", clock })
  const diary: Run[] = []
  const nodes: Node[] = []
  return {
    clock,
    store,
    diary,
    nodes,
    async boot({ concurrency = 4, drain = false, autoscale, queues = [] } = {}) {
      const at = nodes.length
      const self = machine(clock, store)
      const events: WorkerEvent[] = []
      const { broker, inspector, workers: registry } = self.driver
      const worker = await startWorker(
        {
          broker,
          inspector,
          registry,
          groups: self.driver.groups,
          notes: self.driver.notes,
          limits: self.driver.limits,
          clock: self.clock,
          chores: [],
          isolates: simulatedIsolates(self.clock, at, diary, { ...SPEC, ...own }),
        },
        {
          ...{
            id: `worker-${at}`,
            name: `worker-${at}`,
            queues: queues.map((name) => ({ name })),
            concurrency,
            isolateCount: 1,
          },
          isolatesFor: () => 1,
          queueLimits,
          ...{ leaseMs: LEASE, graceMs: 30_000, drain, autoscale },
          process: { host: "sim", pid: at, version: "0", rss: () => 0 },
        },
        (event) => events.push(event),
      )
      const node = { machine: self, worker, events }
      nodes.push(node)
      return node
    },
    async enqueue(id, script, also = {}) {
      const now = clock.now()
      const envelope = parseEnvelope({
        ...{ v: 1, id, task: "sim", input: script, queue: "default", priority: 5, headers: {} },
        ...{ enqueuedAt: now, dueAt: now },
        ...also,
      })
      await store.broker.enqueue([envelope])
    },
  }
}
