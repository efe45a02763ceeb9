import { invalid, messageOf } from "../../core/kit/errors.ts"
import { withSender } from "../enqueue/sender.ts"
import { defineCommand } from "../shell/command.ts"
import { EXIT, type ExitCode, usage } from "../shell/exit.ts"
import { OUTPUT_FLAG, SPOOL_FLAG, STORE_FLAGS } from "../shell/flags.ts"
import { readJson } from "../shell/json.ts"
import { readFlow } from "./flow-file.ts"
import { sendFlow } from "./send.ts"

export default defineCommand({
  usage: "<flow.json | ->",
  operands: { least: 1, most: 1 },
  examples: [
    ["stem canvas run flow.json", "prints the id of its first task, or of the group it begins with"],
    [
      `echo '{"chain":["extract",{"task":"load","queue":"slow"}]}' | stem canvas run -`,
      "one after the other",
    ],
    ["stem canvas run flow.json --wait=5m > result.json", "waits for its end, and prints the result as JSON"],
  ],
  notes:
    'A flow is "name", {"task":…,"input":…}, {"chain":[…]}, {"group":[…]}, {"chord":[…],"body":…}, {"map":"name","over":[…]} or {"chunks":"name","over":[…],"size":…}, nested as you like.',
  flags: {
    wait: { kind: "optional", hint: "5m", about: "wait for its end and print the result as JSON" },
    ...SPOOL_FLAG,
    ...OUTPUT_FLAG,
    ...STORE_FLAGS,
  },
  async run({ flags, operands, shell }): Promise<ExitCode> {
    const [path] = operands as [string]
    const flow = readFlow(readJson(await textOf(path), path === "-" ? "stdin" : path))
    return (await withSender(shell, flags, ({ client }) => sendFlow(shell, flags, client, flow))) ?? EXIT.done
  },
})

async function textOf(path: string): Promise<string> {
  if (path === "-") return Bun.stdin.text()
  try {
    return await Bun.file(path).text()
  } catch (error) {
    if (!(await Bun.file(path).exists()))
      throw usage(`${path} can not be read`, "Check its path; - is stdin.")
    throw invalid("unreadable", `${path}: ${messageOf(error)}`)
  }
}
