import { expect, test } from "bun:test"
import { autoscaleOf } from "../../../src/core/config/autoscale.ts"
import { thrown } from "../../support/thrown.ts"

const NOTHING = {
  ...{ bounds: undefined, up: undefined, down: undefined, cooldownMs: undefined, waitMs: undefined },
  begin: undefined,
}
const bounds = { min: 2, max: 16 }

test("a worker begins with the least, and its steps follow from the range", () => {
  expect(autoscaleOf(NOTHING)).toBeUndefined()
  expect(autoscaleOf({ ...NOTHING, bounds })).toEqual({
    begin: 2,
    policy: { min: 2, max: 16, up: 4, down: 2, cooldownMs: 5000, waitMs: 1000 },
  })
  expect(autoscaleOf({ ...NOTHING, bounds: { min: 3, max: 3 } })?.policy).toMatchObject({ up: 1, down: 1 })
  expect(autoscaleOf({ ...NOTHING, bounds, begin: 8, up: 9, down: 1, cooldownMs: 1, waitMs: 0 })).toEqual({
    begin: 8,
    policy: { min: 2, max: 16, up: 9, down: 1, cooldownMs: 1, waitMs: 0 },
  })
})

test("a beginning outside of the bounds is refused, and so is talk of an autoscaling that there is not", async () => {
  const refused = (said: Partial<typeof NOTHING> | object) =>
    thrown((async () => autoscaleOf({ ...NOTHING, ...said }))())
  expect(await refused({ bounds, begin: 17 })).toMatchObject({
    ...{ kind: "invalid", code: "invalid_config" },
    message: "worker.concurrency: 17 is not within worker.autoscale, 2-16",
  })
  expect(await refused({ waitMs: 5 })).toMatchObject({
    message: "worker.autoscale-wait is set, and worker.autoscale is not",
  })
})
