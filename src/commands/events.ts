import { closest } from "../core/kit/closest.ts"
import { type EventFilter, followEvents, type Gap, meets } from "../core/observe/follow.ts"
import { EVENT_KINDS, type EventKind, type SeenEvent } from "../core/task/event.ts"
import type { Stores } from "../stem.ts"
import { eventJson, eventLine } from "./events/shown.ts"
import { defineCommand, type Shell } from "./shell/command.ts"
import { EXIT, usage } from "./shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG } from "./shell/flags.ts"
import { withStores } from "./shell/stores.ts"
import { cleanJson, cleanLine } from "./shell/terminal.ts"
import { pastFlag, wholeFlag } from "./shell/times.ts"

/** So many without `--limit`; with `--since` or `--after`, all. */
const RECENT = 50
const PAGE = 1000

export default defineCommand({
  usage: "",
  operands: { least: 0, most: 0 },
  examples: [
    ["stem events", "what happened last"],
    ["stem events --follow", "go on, as it happens"],
    ["stem events -f --kind failed --queue emails", "only what failed for good in one queue"],
    ["stem events --id 0199…", "what one task went through"],
    ["stem events --since 1h | jq -r .kind | sort | uniq -c", "the last hour, counted"],
  ],
  notes:
    "On a terminal one line an event, else one JSON object a line. Each object has a cursor: --after goes on from it. Events are kept for a bounded time; see retention.events in stem config.",
  flags: {
    follow: { kind: "switch", short: "f", about: "go on, as it happens" },
    kind: { kind: "list", hint: "KIND", about: "only of this kind; may be repeated, or a,b" },
    task: { kind: "list", hint: "NAME", about: "only of this task; may be repeated" },
    queue: { kind: "list", hint: "NAME", about: "only of this queue; may be repeated" },
    id: { kind: "list", hint: "ID", about: "only of the task with this id; may be repeated" },
    since: { kind: "value", hint: "T", about: "all since this instant; 1h means an hour ago" },
    after: { kind: "value", hint: "CURSOR", about: "all after the event with this cursor" },
    limit: { kind: "value", hint: "N", about: "begin with the last N (default: 50); 0: with what comes" },
    ...OUTPUT_FLAG,
    ...TIME_FLAG,
    ...STORE_FLAGS,
  },
  run({ flags, shell }) {
    const filter: EventFilter = {
      ...{ kinds: readKinds(flags.kind), tasks: some(flags.task), queues: some(flags.queue) },
      ids: some(flags.id),
    }
    const limit = wholeFlag("--limit", flags.limit, 0, 1_000_000)
    const since = pastFlag("--since", flags.since)
    if ([flags.since, flags.after, flags.limit].filter((given) => given !== undefined).length > 1)
      throw usage("--since, --after and --limit each say where to begin", "Give one of them.")
    if (flags.follow && flags.output === "json")
      throw usage("-o json is one document, which --follow never ends", "Use -o ndjson.")
    return withStores(shell, flags, async ({ stores, config }) => {
      if (!config.events.on)
        shell.talk.warn("events are switched off here: nothing that this Stem does is told")
      const show = printer(shell, flags.output, flags.time)
      const from =
        flags.after !== undefined
          ? { cursor: flags.after }
          : since !== undefined
            ? { position: since }
            : { cursor: await showRecent(stores, filter, limit ?? RECENT, show.one) }
      const asked = flags.after !== undefined || since !== undefined
      if (asked || flags.follow)
        for await (const event of followEvents({
          ...{ log: stores.events, clock: stores.clock, from, filter, live: flags.follow },
        }))
          await show.one(event)
      await show.end()
      if (show.shown() === 0) shell.talk.info("No event fits.")
      return EXIT.done
    })
  },
})

/** Shows the last events that are meant, oldest first; answers the cursor behind them. */
async function showRecent(
  { events: log }: Stores,
  filter: EventFilter,
  limit: number,
  show: (event: SeenEvent) => Promise<void>,
): Promise<string> {
  const newest = await log.position("newest")
  const meant = meets(filter)
  let found: readonly SeenEvent[] = []
  for (let cursor = newest; found.length < limit; ) {
    const page = await log.back(cursor, PAGE)
    if (page.events.length === 0) break
    found = [...page.events.filter(meant), ...found].slice(-limit)
    cursor = page.cursor
  }
  for (const event of found) await show(event)
  return newest
}

const some = (list: readonly string[]) => (list.length === 0 ? undefined : list)

function readKinds(values: readonly string[]): readonly EventKind[] | undefined {
  const names = values.flatMap((value) => value.split(","))
  for (const name of names) {
    if ((EVENT_KINDS as readonly string[]).includes(name)) continue
    const meant = closest(name, EVENT_KINDS)
    throw usage(
      `--kind: "${name}" is no kind of event`,
      meant ? `Did you mean ${meant}?` : `Kinds: ${EVENT_KINDS.join(", ")}.`,
    )
  }
  return some(names) as readonly EventKind[] | undefined
}

/** Each line is flushed at once: whoever reads wants to know now. */
function printer(shell: Shell, output: string | undefined, time: string | undefined) {
  const { stdout, terminal, talk, paint } = shell
  const format = output ?? (terminal.stdout ? "table" : "ndjson")
  const all: unknown[] = []
  let shown = 0
  const line = async (text: string) => {
    await stdout.write(`${text}\n`)
    await stdout.flush()
  }
  return {
    shown: () => shown,
    async one(event: SeenEvent | Gap): Promise<void> {
      shown += 1
      if (event.kind === "gap") talk.warn("events are missing here: they were removed before they were read")
      if (format === "json") all.push(eventJson(event))
      else if (format === "ndjson") await line(cleanJson(eventJson(event)))
      else if (format === "name") {
        if (event.kind !== "gap" && event.id !== undefined) await line(cleanLine(event.id))
      } else if (event.kind !== "gap") await line(eventLine(event, paint, time))
    },
    async end(): Promise<void> {
      if (format === "json") await line(cleanJson(all, 2))
    },
  }
}
