import type { Answer, Order, Presence } from "../../core/contracts/workers.ts"
import { addressed, command } from "../../core/control/command.ts"
import { closest } from "../../core/kit/closest.ts"
import { formatDuration } from "../../core/kit/duration.ts"
import { StemError } from "../../core/kit/errors.ts"
import type { Stores } from "../../stem.ts"
import { workerJson } from "../inspect/workers.ts"
import type { Shell } from "../shell/command.ts"
import { EXIT, type ExitCode, usage } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { durationFlag, isoOrNull } from "../shell/times.ts"

/** How long workers are waited for. They hear a command within a quarter of a second. */
const TIMEOUT = 3000

export const CONTROL_FLAGS = {
  timeout: { kind: "value", hint: "3s", about: "how long to wait for answers (default: 3s)" },
  ...OUTPUT_FLAG,
  ...STORE_FLAGS,
} as const

interface Row {
  readonly worker: Pick<Presence, "id" | "name">
  readonly answer: Answer | undefined
  readonly seenAt: number | undefined
}

/**
 * Tells workers to do something and shows, one a line, what each answered; all workers, unless some are named. Exit 1
 * when one did not answer in time, or could not do it; 3 when there is none.
 */
export async function giveOrder(
  shell: Shell,
  { workers: registry, clock }: Pick<Stores, "workers" | "clock">,
  flags: { readonly timeout?: string | undefined; readonly output?: string | undefined },
  order: Order,
  words: readonly string[],
): Promise<ExitCode> {
  const timeout = durationFlag("--timeout", flags.timeout) ?? TIMEOUT
  const alive = await registry.list()
  const { meant, unknown } = addressed(alive, words)
  if (unknown.length > 0) throw unknownWorker(unknown[0] as string, alive)
  if (meant.length === 0)
    throw new StemError("missing", "no_worker", "no worker is running", { hint: "Start one: stem worker" })
  const { answered, silent } = await command({ registry, clock }, order, meant, timeout)
  const by = new Map(answered.map((answer) => [answer.worker, answer]))
  const rows = meant.map((worker): Row => ({ worker, answer: by.get(worker.id), seenAt: worker.seenAt }))
  await showList(shell, flags.output, {
    rows,
    columns: [
      { title: "WORKER", cell: ({ worker }) => worker.name },
      {
        title: "ANSWER",
        cell: ({ answer }) => answer?.message ?? "no answer",
        color: ({ answer }) => (answer?.ok ? undefined : "red"),
      },
    ],
    json: rowJson,
    name: ({ worker }) => worker.name,
  })
  if (silent.length > 0)
    shell.talk.error(
      `${silent.length} of ${meant.length} workers did not answer within ${formatDuration(timeout)}: ${silent.map(({ name }) => name).join(", ")}`,
      { hint: "It may be stopped, cut off or gone: stem inspect workers shows when it was last seen." },
    )
  return rows.every(({ answer }) => answer?.ok) ? EXIT.done : EXIT.failed
}

const rowJson = ({ worker, answer, seenAt }: Row) => ({
  id: worker.id,
  worker: worker.name,
  answered: answer !== undefined,
  ok: answer?.ok ?? false,
  message: answer?.message ?? null,
  answeredAt: isoOrNull(answer?.at),
  seenAt: isoOrNull(seenAt),
  ...(answer?.presence && { stats: workerJson(answer.presence) }),
})

function unknownWorker(word: string, alive: readonly Presence[]): StemError {
  const meant = closest(
    word,
    alive.filter(({ hears }) => hears).map(({ name }) => name),
  )
  return new StemError("missing", "unknown_worker", `no worker that takes commands is called "${word}"`, {
    hint: meant ? `Did you mean ${meant}?` : "See stem inspect workers.",
  })
}

/** A number of tasks at once, as an operand. */
export function concurrencyOf(word: string): number {
  if (/^\d+$/.test(word) && Number(word) >= 1 && Number(word) <= 10_000) return Number(word)
  throw usage(`"${word}" is not a whole number from 1 to 10000`, "As in: stem control resize 8")
}
