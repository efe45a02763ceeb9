import { byHandEnvelope } from "../../core/beat/firing.ts"
import { checkSchedule } from "../../core/beat/lint.ts"
import { formatInstant } from "../../core/kit/instant.ts"
import { createRouter } from "../../core/policy/routing.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT, usage } from "../shell/exit.ts"
import { BULK_FLAGS, OUTPUT_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { showList } from "../shell/output.ts"
import { confirm } from "../shell/prompt.ts"
import { withStores } from "../shell/stores.ts"
import { pastFlag } from "../shell/times.ts"
import { findSchedule } from "./find.ts"

/** More at once is hardly meant. */
const MOST = 10_000

export default defineCommand({
  usage: "<name>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem schedule backfill nightly --from 2026-03-01 --to 2026-03-08 --dry-run", "what would be enqueued"],
    [
      "stem schedule backfill hourly --from 6h --yes",
      "the last six hours; what has fired does not fire again",
    ],
  ],
  flags: {
    from: { kind: "value", hint: "T", about: "the instants after this one; 6h means six hours ago" },
    to: { kind: "value", hint: "T", about: "up to and including this one (default: now)" },
    ...BULK_FLAGS,
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }) {
    const from = pastFlag("--from", flags.from)
    if (from === undefined) throw usage("from when?", "Give --from, as in --from 2026-03-01 or --from 6h.")
    const to = pastFlag("--to", flags.to) ?? Date.now()
    if (to > Date.now()) throw usage("--to lies in the future", "Beat fires what is to come.")
    return withStores(shell, flags, async ({ stores: { schedules, clock }, config }) => {
      const { schedule } = await findSchedule(schedules, operands[0] as string)
      const { name } = schedule
      const instants = checkSchedule(schedule, clock.now()).between(from, to, MOST + 1)
      if (instants.length > MOST) throw usage(`these are more than ${MOST} instants`, "Give a shorter time.")
      const dryRun = flags["dry-run"]
      if (!dryRun && !(await confirm(shell, `Enqueue ${instants.length} firings of ${name}?`, flags.yes)))
        return EXIT.failed
      const firedAt = clock.now()
      const router = createRouter(config.routing)
      const asks = instants.map((nominalAt) => ({
        ...{ name, nominalAt, firedAt, envelope: byHandEnvelope(schedule, nominalAt, firedAt, router) },
      }))
      const known = new Set(
        (await schedules.history(name, MOST)).flatMap(({ id, nominalAt }) => (id ? nominalAt : [])),
      )
      const answers = dryRun
        ? instants.map((at) => (known.has(at) ? "duplicate" : "fired"))
        : await schedules.fire(asks)
      const count = answers.filter((answer) => answer === "fired").length
      const rest = instants.length === count ? "" : `, ${instants.length - count} had fired already`
      shell.talk.info(`${count} firings ${dryRun ? "would be" : "were"} enqueued${rest}`)
      await showList(shell, flags.output, {
        rows: asks.map((one, at) => ({ ...one, state: answers[at] as string })),
        columns: [
          { title: "NOMINAL", cell: ({ nominalAt }) => formatInstant(nominalAt) },
          { title: "STATE", cell: ({ state }) => (dryRun && state === "fired" ? "would fire" : state) },
          { title: "TASK", cell: ({ envelope }) => envelope.id },
        ],
        json: ({ nominalAt, envelope, state }) => ({
          ...{ nominalAt: formatInstant(nominalAt), id: envelope.id, state, dryRun },
        }),
        name: ({ envelope }) => envelope.id,
      })
      return EXIT.done
    })
  },
})
