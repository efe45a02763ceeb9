import type { Presence, WorkerRegistry } from "../contracts/workers.ts"
import type { Millis } from "../kit/clock.ts"
import type { Listener } from "../observe/events.ts"
import { createStoreWatch } from "../observe/store-watch.ts"
import { toFailure } from "../task/failure.ts"
import { type BeatParts, beat } from "./beat.ts"
import { putsOf, type ScheduleSource, syncSources } from "./sources.ts"
import type { TurnParts } from "./turn.ts"

/** What a Beat that runs by itself, or beside a worker, is made of. */
export interface BeatServiceParts extends Omit<TurnParts, "emit"> {
  readonly registry: WorkerRegistry
  /** Reads files and modules anew. */
  readonly read: () => Promise<readonly ScheduleSource[]>
  /** Goes on firing what is stored when nothing can be read at the start. */
  readonly lenient?: boolean | undefined
  /** Resolves when they are to be read anew. */
  readonly again?: ((signal: AbortSignal) => Promise<void>) | undefined
  /** As in {@link BeatParts}, from the start on. */
  readonly turned?: BeatParts["turned"]
}

/** Who it is. */
export interface BeatSettings {
  readonly id: string
  /** For `stem health --worker NAME`. */
  readonly name: string
  readonly process: {
    readonly host: string
    readonly pid: number
    readonly version: string
    readonly rss: () => number
  }
}

/** How often a Beat says that it is there, and after how long of silence it is taken for gone. */
const EVERY: Millis = 5000
const TTL: Millis = 3 * EVERY

/**
 * Stores what the sources define, then fires until the signal aborts. Its sign of life is written by the loop itself,
 * after a claim that succeeded: a Beat that makes no progress is soon taken for gone. Rejects only when the sources
 * can not be read at the start, and it is not lenient.
 */
export async function runBeat(
  parts: BeatServiceParts,
  settings: BeatSettings,
  emit: Listener,
  signal: AbortSignal,
): Promise<void> {
  const { schedules, registry, clock } = parts
  const startedAt = clock.now()
  const store = createStoreWatch(emit, clock)
  const sync = (sources: readonly ScheduleSource[]) =>
    store.insist(() => {
      parts.turned?.()
      return syncSources({ schedules, clock, emit }, sources)
    }, signal)
  let fired = 0
  let shownAt = Number.NEGATIVE_INFINITY
  let showing: Promise<unknown> | undefined

  const describe = (): Presence => ({
    ...{ v: 1, id: settings.id, name: settings.name, state: "running", queues: [], concurrency: 0 },
    ...{ host: settings.process.host, pid: settings.process.pid, version: settings.process.version },
    ...{ tasks: [], running: [], done: { succeeded: fired, failed: 0, retried: 0 } },
    ...{ startedAt, seenAt: clock.now(), rssBytes: settings.process.rss() },
  })

  async function rereadOnDemand(): Promise<void> {
    while (parts.again && !signal.aborted) {
      await parts.again(signal)
      if (signal.aborted) return
      try {
        await syncSources({ schedules, clock, emit }, await parts.read())
      } catch (error) {
        emit({ kind: "sync_failed", error: toFailure(error) })
      }
    }
  }

  const first = await readFirst(parts, emit, startedAt)
  if (!(await sync(first))) return
  const all = await store.insist(() => schedules.list(), signal)
  if (!all) return
  emit({ kind: "beat_ready", schedules: all.length })
  const hear: Listener = (event) => {
    if (event.kind === "schedule_fired") fired += 1
    emit(event)
  }
  const rereading = rereadOnDemand()
  await beat(
    {
      ...parts,
      emit: hear,
      holder: settings.id,
      progress(watch) {
        if (showing || clock.monotonic() - shownAt < EVERY) return
        shownAt = clock.monotonic()
        // Nothing that fires waits for it.
        showing = watch
          .attempt(() => registry.beat(describe(), TTL).then(() => true))
          .finally(() => {
            showing = undefined
          })
      },
    },
    signal,
  )
  await rereading
  await showing
  await store.attempt(() => registry.leave(settings.id).then(() => true))
  emit({ kind: "beat_stopped" })
}

/** Refused at once, not tried for ever: a spec that can not be read will never be. */
async function readFirst(
  { read, lenient }: BeatServiceParts,
  emit: Listener,
  now: Millis,
): Promise<readonly ScheduleSource[]> {
  try {
    const sources = await read()
    putsOf(sources, now)
    return sources
  } catch (error) {
    if (!lenient) throw error
    emit({ kind: "sync_failed", error: toFailure(error) })
    return []
  }
}
