import { expect } from "bun:test"
import { StemError } from "../../src/core/kit/errors.ts"

/** The StemError that a promise is rejected with; anything else fails the test. */
export async function thrown(promise: Promise<unknown>): Promise<StemError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StemError)
  return error as StemError
}

/** What the call throws; undefined when it throws nothing. */
export function threw(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}
