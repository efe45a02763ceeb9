import * as v from "valibot"
import { createRouter, type RouteReasons, type Routing } from "../../core/policy/routing.ts"
import { Name } from "../../core/task/envelope.ts"
import { definitionsOf } from "../enqueue/module.ts"
import { defineCommand, type Shell } from "../shell/command.ts"
import { EXIT, usage } from "../shell/exit.ts"
import { OUTPUT_FLAG } from "../shell/flags.ts"
import { showList, showOne } from "../shell/output.ts"
import { configured } from "../shell/stores.ts"
import { renderFields } from "../shell/table.ts"
import { cleanLine } from "../shell/terminal.ts"
import { wholeFlag } from "../shell/times.ts"

export default defineCommand({
  usage: "[task]",
  operands: { least: 0, most: 1 },
  examples: [
    ["stem inspect routing", "the rules and aliases of stem.toml, in their order"],
    ["stem inspect routing image.resize", "where such a task would go, and why"],
    ["stem inspect routing image.resize --module ./tasks.ts -o json", "the same, knowing its definition"],
  ],
  notes:
    "It reads stem.toml and no store. The sender's word wins, then the first rule that fits, then the task's definition.",
  flags: {
    queue: { kind: "value", hint: "NAME", about: "as if the sender named this queue" },
    priority: { kind: "value", hint: "0-9", about: "as if the sender named this priority" },
    module: { kind: "value", hint: "PATH", about: "the module that defines the task" },
    ...OUTPUT_FLAG,
  },
  async run({ flags, operands: [task], shell }) {
    const { config } = await configured(shell, flags)
    if (task === undefined) {
      for (const flag of ["queue", "priority", "module"] as const)
        if (flags[flag] !== undefined) throw usage(`--${flag} is about a task`, "Name the task too.")
      await showRules(shell, flags.output, config.routing)
      return EXIT.done
    }
    for (const name of [task, flags.queue])
      if (name !== undefined && !v.is(Name, name)) throw usage(`"${name}" is not a valid name`)
    const definition =
      flags.module === undefined ? undefined : (await definitionsOf(shell, flags.module)).of(task)
    const priority = wholeFlag("--priority", flags.priority, 0, 9)
    const found = createRouter(config.routing).explain({
      ...{ task, queue: flags.queue, priority },
      ...(definition && { defaults: { queue: definition.queue, priority: definition.priority } }),
    })
    await showOne(shell, flags.output, {
      json: () => ({ task, ...found }),
      name: () => found.queue,
      table: () => fieldsOf(shell, task, found),
    })
    return EXIT.done
  },
})

const fieldsOf = (
  { paint }: Shell,
  task: string,
  { queue, priority, queueFrom, priorityFrom }: RouteReasons,
) =>
  renderFields(
    [
      ["task", task],
      ["queue", `${queue}  (${cleanLine(queueFrom)})`],
      ["priority", `${priority}  (${cleanLine(priorityFrom)})`],
    ],
    paint,
  )

const showRules = (shell: Shell, output: string | undefined, { rules, aliases }: Routing) =>
  showList(shell, output, {
    rows: [
      ...rules.map(({ pattern, from, ...rule }) => ({ kind: "rule", name: pattern, from, ...rule })),
      ...aliases.map(({ alias, from, queue }) => ({ kind: "alias", name: alias, from, queue })),
    ] as readonly Row[],
    columns: [
      { title: "KIND", cell: ({ kind }) => kind },
      { title: "NAME", cell: ({ name }) => name },
      { title: "QUEUE", cell: ({ queue }) => queue ?? "-" },
      { title: "PRIORITY", cell: ({ priority }) => priority ?? "-", right: true },
      { title: "FROM", cell: ({ from }) => from.file },
    ],
    json: ({ kind, name, queue, priority, from }) => ({
      ...{ kind, name, queue: queue ?? null, priority: priority ?? null, file: from.file, key: from.key },
    }),
    name: ({ name }) => name,
    none: "stem.toml says nothing of routing.",
  })

interface Row {
  readonly kind: "rule" | "alias"
  readonly name: string
  readonly queue?: string
  readonly priority?: number
  readonly from: { readonly file: string; readonly key: string }
}
