import { afterEach, expect, test } from "bun:test"
import { propagation } from "@opentelemetry/api"
import { traceHeaders } from "../../../src/core/observe/trace.ts"
import { connect } from "../../../src/stem.ts"

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

afterEach(() => propagation.disable())

function inTrace() {
  propagation.setGlobalPropagator({
    inject: (_, carrier, setter) => setter.set(carrier, "traceparent", PARENT),
    extract: (context) => context,
    fields: () => ["traceparent"],
  })
}

test("without a tracing SDK there is nothing to carry", () => {
  expect(traceHeaders()).toEqual({})
})

test("a program's active trace travels with the tasks it sends, and a header of their own wins", async () => {
  inTrace()
  const stem = await connect("memory:trace")
  await stem.enqueue("a", null, { id: "a", headers: { tenant: "x" } })
  await stem.enqueue("b", null, { id: "b", headers: { traceparent: "mine" } })
  const { openStores } = await import("../../../src/stem.ts")
  const stores = await openStores({ broker: "memory:trace", namespace: "stem" })
  const [a, b] = await stores.inspector.find(["a", "b"])
  expect(a?.envelope.headers).toEqual({ traceparent: PARENT, tenant: "x" })
  expect(b?.envelope.headers).toEqual({ traceparent: "mine" })
  await stem.close()
})
