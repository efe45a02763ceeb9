import { context, propagation } from "@opentelemetry/api"

/**
 * The active trace of the calling program as headers (`traceparent`, `tracestate`, `baggage` with W3C's
 * propagators), so that what a task does is found under what sent it. Empty where no OpenTelemetry SDK is set up.
 */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  propagation.inject(context.active(), headers)
  return headers
}
