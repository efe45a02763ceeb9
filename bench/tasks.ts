/** The task module that the benchmark's workers load. */

/** Nothing but an answer, so that what is measured is the queue. */
export async function nothing(input: { n: number }) {
  return input.n
}

/** The instant at which its handler began, in milliseconds with fractions. */
export async function instant() {
  return performance.timeOrigin + performance.now()
}

/** The same, with a limit that never refuses it: what a limit costs. */
export const rated = { rateLimit: "1000000/s", run: nothing }
export const bounded = { concurrency: 100_000, run: nothing }
