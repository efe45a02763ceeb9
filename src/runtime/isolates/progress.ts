import { invalid } from "../../core/kit/errors.ts"
import { toJson } from "../../core/kit/json.ts"
import type { Progress } from "../../core/task/status.ts"
import type { RunEffects } from "./effects.ts"

const EVERY_MS = 250

/**
 * Keeps a handler that tells its progress in a loop from flooding everyone: the first is sent at once, then the
 * latest at most four times a second.
 */
export function coalesceProgress({ clock, progress }: Pick<RunEffects, "clock" | "progress">) {
  let waiting: Progress | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let sentAt = Number.NEGATIVE_INFINITY
  let over = false
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (!waiting) return
    sentAt = clock.monotonic()
    progress(waiting)
    waiting = undefined
  }
  return {
    flush,
    stop() {
      over = true
      clearTimeout(timer)
    },
    note(value: number, data?: unknown) {
      if (typeof value !== "number" || !Number.isFinite(value))
        throw invalid("invalid_progress", `progress must be a finite number, not ${String(value)}`)
      if (over) return
      const kept = data === undefined ? undefined : JSON.parse(toJson(data, "the progress data"))
      waiting = { value, ...(data !== undefined && { data: kept }), at: clock.now() }
      const wait = sentAt + EVERY_MS - clock.monotonic()
      if (wait <= 0) flush()
      else timer ??= setTimeout(flush, wait)
    },
  }
}
