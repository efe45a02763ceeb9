import type { Extensions, Passed, WireOutgoing } from "../contracts/extensions.ts"
import type { Firing } from "../contracts/schedules.ts"
import type { Millis } from "../kit/clock.ts"
import { parseDuration } from "../kit/duration.ts"
import { messageOf } from "../kit/errors.ts"
import type { Listener } from "../observe/events.ts"
import { type Envelope, parseEnvelope } from "../task/envelope.ts"
import type { Decided } from "./turn.ts"

/** Middleware has so long for what is due at once; the leases on the schedules outlast it. */
const WITHIN: Millis = 1500

/**
 * Takes what is to be fired through middleware. A firing that is refused is skipped, with the reason in its history; one
 * about which nothing was answered in time is stored as it was, for an instant is not to be lost. Never rejects.
 */
export async function passFirings(
  pass: Extensions["pass"],
  decided: readonly Decided[],
  emit: Listener,
): Promise<readonly Decided[]> {
  const envelopes = decided.flatMap(({ turn }) =>
    turn.firings.flatMap((firing) => ("envelope" in firing && firing.envelope ? [firing.envelope] : [])),
  )
  if (envelopes.length === 0) return decided
  const answers = await pass(envelopes.map(outgoingOf), WITHIN).catch((error): Passed[] =>
    envelopes.map(() => ({ kind: "failed", reason: messageOf(error) })),
  )
  const byId = new Map(envelopes.map(({ id }, at) => [id, answers[at]]))
  return decided.map((one) => ({
    ...one,
    turn: { ...one.turn, firings: one.turn.firings.map((firing) => passed(one, firing)) },
  }))

  function passed({ claimed }: Decided, firing: Firing): Firing {
    const envelope = "envelope" in firing ? firing.envelope : undefined
    const answer = envelope && byId.get(envelope.id)
    if (!envelope || !answer) return firing
    const { nominalAt, firedAt } = firing
    if (answer.kind === "refused") return { nominalAt, firedAt, skipped: answer.reason }
    if (answer.kind === "failed") {
      const { name } = claimed.schedule
      emit({ kind: "middleware_failed", schedule: name, id: envelope.id, reason: answer.reason })
      return firing
    }
    try {
      return { nominalAt, firedAt, envelope: envelopeWith(envelope, answer.ask) }
    } catch (error) {
      return { nominalAt, firedAt, skipped: `middleware made of it: ${messageOf(error)}` }
    }
  }
}

/** An envelope as middleware is shown it: what the schedule and the routing said are its options. */
export function outgoingOf(envelope: Envelope): WireOutgoing {
  const { id, task, input, queue, priority, headers, dueAt, expiresAt, retry, timeLimits } = envelope
  return {
    ...{ id, task, input },
    options: {
      ...{ queue, priority, headers: { ...headers }, at: dueAt },
      ...(expiresAt !== undefined && { expires: expiresAt }),
      ...(retry?.max !== undefined && { retries: retry.max }),
      ...(timeLimits?.hardMs !== undefined && { timeout: timeLimits.hardMs }),
      ...(timeLimits?.softMs !== undefined && { softTimeout: timeLimits.softMs }),
    },
  }
}

/** The envelope with what middleware changed; what it left out stays. Throws `malformed_envelope`. */
export function envelopeWith(envelope: Envelope, { input, options }: WireOutgoing): Envelope {
  const { queue, priority, headers, at, delay, expires, retries, timeout, softTimeout } = options
  const { dueAt } = envelope
  const limits = {
    ...envelope.timeLimits,
    ...(timeout !== undefined && { hardMs: parseDuration(timeout) }),
    ...(softTimeout !== undefined && { softMs: parseDuration(softTimeout) }),
  }
  return parseEnvelope({
    ...envelope,
    input,
    queue: queue ?? envelope.queue,
    priority: priority ?? envelope.priority,
    headers: headers ?? envelope.headers,
    dueAt: (at ?? dueAt) + (delay === undefined ? 0 : parseDuration(delay)),
    ...(expires !== undefined && {
      expiresAt: typeof expires === "number" ? expires : envelope.enqueuedAt + parseDuration(expires),
    }),
    ...(retries !== undefined && { retry: { ...envelope.retry, max: retries } }),
    ...(Object.keys(limits).length > 0 && { timeLimits: limits }),
  })
}
