import type { Job } from "../../src/core/contracts/isolates.ts"

let count = 0

/** One run of a task, as a worker would hand it to its isolates. */
export function jobOf(
  task: string,
  input: unknown = null,
  more: Partial<Omit<Job, "delivery">> & { id?: string; token?: number; attempt?: number } = {},
): Job {
  count += 1
  const { id = `job-${count}`, token = 1, attempt = 1, ...limits } = more
  return {
    maxAttempts: 4,
    ...limits,
    delivery: {
      attempt,
      reclaimed: false,
      replays: [],
      lease: { id, holder: "tests", token, expiresAt: 0 },
      envelope: {
        v: 1,
        id,
        task,
        input,
        queue: "default",
        priority: 5,
        enqueuedAt: 0,
        dueAt: 0,
        headers: {},
      },
    },
  }
}
