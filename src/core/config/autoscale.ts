import { invalid } from "../kit/errors.ts"
import type { AutoscalePolicy } from "../policy/autoscale.ts"

/** What was said of autoscaling. */
interface Said {
  readonly bounds: { readonly min: number; readonly max: number } | undefined
  readonly up: number | undefined
  readonly down: number | undefined
  readonly cooldownMs: number | undefined
  readonly waitMs: number | undefined
  /** The concurrency, where somebody named one: where to begin. */
  readonly begin: number | undefined
}

/**
 * The policy, and with how many tasks at once to begin. Steps that nobody named are a quarter of the range up and an
 * eighth down. Throws `invalid_config` for a beginning
 * outside of the bounds, and for what is said of an autoscaling that there is not.
 */
export function autoscaleOf({
  bounds,
  begin,
  up,
  down,
  cooldownMs,
  waitMs,
}: Said): { policy: AutoscalePolicy; begin: number } | undefined {
  if (!bounds) {
    const [said] =
      Object.entries({ up, down, cooldown: cooldownMs, wait: waitMs }).find(([, of]) => of !== undefined) ??
      []
    if (said === undefined) return undefined
    throw invalid(
      "invalid_config",
      `worker.autoscale-${said} is set, and worker.autoscale is not`,
      "Name the bounds too: --autoscale 2-16.",
    )
  }
  const { min, max } = bounds
  if (begin !== undefined && (begin < min || begin > max))
    throw invalid(
      "invalid_config",
      `worker.concurrency: ${begin} is not within worker.autoscale, ${min}-${max}`,
      "With autoscaling the concurrency is where it begins; leave it out to begin with the least.",
    )
  const share = (parts: number) => Math.max(1, Math.ceil((max - min) / parts))
  return {
    policy: {
      ...bounds,
      cooldownMs: cooldownMs ?? 5000,
      waitMs: waitMs ?? 1000,
      up: up ?? share(4),
      down: down ?? share(8),
    },
    begin: begin ?? min,
  }
}
