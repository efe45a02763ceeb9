/**
 * Which dead letters a command is about: those of its operands, or all that fit its filter.
 */
import type { DeadLetterFilter, DeadLetters } from "../../core/contracts/inspector.ts"
import { StemError } from "../../core/kit/errors.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import type { Flags } from "../shell/command.ts"
import { usage } from "../shell/exit.ts"
import { FILTER_FLAGS, readRange } from "../shell/filters.ts"

export const DLQ_FILTER_FLAGS = {
  ...FILTER_FLAGS,
  error: {
    kind: "value",
    hint: "TEXT",
    about: "only where the error's name, code or message holds this text",
  },
} as const satisfies Flags

export const SELECT_FLAGS = {
  ...DLQ_FILTER_FLAGS,
  all: { kind: "switch", about: "every dead letter" },
} as const satisfies Flags

export interface SelectFlags {
  readonly queue?: string | undefined
  readonly task?: string | undefined
  readonly error?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

export type Filter = Omit<DeadLetterFilter, "limit">

export const readFilter = (flags: SelectFlags): Filter => ({ ...readRange(flags), error: flags.error })

/** What was chosen on the command line. Throws for nothing, and for two choices that contradict each other. */
export function readSelection(
  ids: readonly string[],
  flags: SelectFlags & { readonly all: boolean },
  verb: string,
): { readonly ids: readonly string[] } | { readonly filter: Filter } {
  const filter = readFilter(flags)
  const filtered = Object.values(filter).some((value) => value !== undefined)
  if (ids.length > 0) {
    if (filtered || flags.all)
      throw usage("ids and filters can not be given together", "Give one or the other.")
    return { ids: [...new Set(ids)] }
  }
  if (!filtered && !flags.all)
    throw usage(
      `which dead letters are to be ${verb}?`,
      "Give ids, a filter (--task, --queue, --error, --since, --until) or --all.",
    )
  return { filter }
}

const PAGE = 500

/**
 * Dead letters that fit, latest first, a page at a time; each once, also when those of earlier pages have been
 * replayed or purged meanwhile.
 */
export async function* pagesOf(letters: DeadLetters, filter: Filter): AsyncGenerator<readonly DeadLetter[]> {
  let { until } = filter
  let limit = PAGE
  let seen = new Set<string>()
  for (;;) {
    const page = await letters.list({ ...filter, until, limit })
    const fresh = page.filter(({ id }) => !seen.has(id))
    if (fresh.length > 0) yield fresh
    const last = page.at(-1)?.diedAt
    if (last === undefined || page.length < limit) return
    // `until` is exclusive, and several may have died in one millisecond: the next page begins with that one again.
    const stuck = last + 1 === until
    limit = stuck && fresh.length === 0 ? limit * 2 : PAGE
    const again = page.filter(({ diedAt }) => diedAt === last).map(({ id }) => id)
    seen = new Set(stuck ? [...seen, ...again] : again)
    until = last + 1
  }
}

/** The dead letters of these ids. Throws `unknown_dead_letter` when one is not there. */
export async function getAll(letters: DeadLetters, ids: readonly string[]): Promise<DeadLetter[]> {
  return Promise.all(ids.map((id) => getOne(letters, id)))
}

export async function getOne(letters: DeadLetters, id: string): Promise<DeadLetter> {
  const letter = await letters.get(id)
  if (letter) return letter
  throw new StemError("missing", "unknown_dead_letter", `no dead letter has the id ${id}`, {
    hint: "See stem dlq list.",
  })
}
