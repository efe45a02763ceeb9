import { defineCommand } from "../shell/command.ts"
import { EXIT } from "../shell/exit.ts"
import { OUTPUT_FLAG, STORE_FLAGS, TIME_FLAG } from "../shell/flags.ts"
import { showOne } from "../shell/output.ts"
import { failureLine } from "../shell/status.ts"
import { withStores } from "../shell/stores.ts"
import { renderFields } from "../shell/table.ts"
import { clean, cleanJson, cleanLine } from "../shell/terminal.ts"
import { showTime } from "../shell/times.ts"
import { getOne } from "./select.ts"
import { letterJson, replaysJson } from "./shown.ts"

export default defineCommand({
  usage: "<id>",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem dlq show 0199…", "why it died, where in the code, and what it was given"],
    ["stem dlq show 0199… -o json | jq .input", "its input"],
  ],
  flags: { ...OUTPUT_FLAG, ...TIME_FLAG, ...STORE_FLAGS },
  run: ({ flags, operands, shell }) =>
    withStores(shell, flags, async ({ stores }) => {
      const letter = await getOne(stores.inspector.deadLetters, operands[0] as string)
      const { error, envelope, raw, replays } = letter
      await showOne(shell, flags.output, {
        json: () => ({
          ...letterJson(letter),
          headers: envelope?.headers ?? null,
          replays: replaysJson(letter),
        }),
        name: () => letter.id,
        table: () =>
          renderFields(
            [
              ["id", cleanLine(letter.id)],
              ["task", cleanLine(letter.task)],
              ["queue", cleanLine(letter.queue)],
              ["attempts", String(letter.attempts)],
              ["died", showTime(letter.diedAt, flags.time)],
              ["error", shell.paint("red", failureLine(error))],
              ["stack", error.stack && clean(error.stack)],
              ["input", envelope && cleanJson(envelope.input)],
              ["headers", envelope && cleanJson(envelope.headers)],
              ["raw", raw === undefined ? undefined : cleanLine(raw)],
              ...replays.map(({ at, error: why }): [string, string] => [
                "replayed",
                `${showTime(at, flags.time)}: ${cleanLine(why)}`,
              ]),
            ],
            shell.paint,
          ),
      })
      return EXIT.done
    }),
})
