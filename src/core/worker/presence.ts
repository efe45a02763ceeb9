import type { WorkerRegistry } from "../contracts/workers.ts"
import type { Clock, Millis } from "../kit/clock.ts"
import { until } from "../kit/deadline.ts"
import type { Listener } from "../observe/events.ts"
import type { StoreWatch } from "../observe/store-watch.ts"
import { type Controls, obey } from "./control.ts"

/** How often a worker says that it is there, and after how long of silence it is taken for gone. */
const EVERY: Millis = 5000
const TTL: Millis = 3 * EVERY

interface Parts {
  readonly registry: WorkerRegistry
  readonly store: StoreWatch
  readonly clock: Clock
  readonly emit: Listener
}

/**
 * Writes the worker's presence until the signal aborts, then takes its leave. The beat is the mailbox: it brings the
 * commands that came meanwhile, and one that is sent wakes it before its time. A command is done and answered beside
 * the beats, for a reload may take long.
 */
export async function presence(
  { registry, store, clock, emit }: Parts,
  controls: Controls,
  signal: AbortSignal,
): Promise<void> {
  const { describe } = controls
  const { id } = describe()
  const answering = new Set<Promise<unknown>>()
  let changed = new AbortController()

  async function beat(): Promise<void> {
    const commands = await store.attempt(() => registry.beat(describe(), TTL))
    for (const command of commands ?? []) {
      emit({ kind: "commanded", order: command.order.kind })
      const answered = obey(command, controls, clock).then(async (answer) => {
        await store.attempt(() => registry.answer(answer).then(() => true))
        // What it has become is to be seen at once.
        if (command.order.kind !== "ping" && command.order.kind !== "stats") changed.abort()
      })
      answering.add(answered)
      void answered.finally(() => answering.delete(answered))
    }
  }

  while (!signal.aborted) {
    changed = new AbortController()
    await beat()
    const next = clock.now() + EVERY
    const woken = AbortSignal.any([signal, changed.signal])
    const wait = (over: AbortSignal) => registry.wait(id, next, over)
    const waited = await store.attempt(() => until(clock, next, wait, woken).then(() => true))
    // A store that can not be waited for is away: the next beat is in its time.
    if (!waited) await clock.sleep(EVERY, signal)
  }
  await Promise.all(answering)
  await store.attempt(() => registry.leave(id).then(() => true))
}
