import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { StemError } from "../../core/kit/errors.ts"
import type { DeadLetter } from "../../core/task/dead-letter.ts"
import type { Shell } from "../shell/command.ts"
import { usage } from "../shell/exit.ts"
import { readJson } from "../shell/json.ts"

/**
 * Opens the input in the person's editor. Answers the new one, or undefined when nothing was changed. What does
 * not read as JSON is refused, and the edited file is kept and named.
 */
export async function editInput(
  { env, talk }: Shell,
  { id, envelope }: DeadLetter,
): Promise<{ input: unknown } | undefined> {
  if (!envelope)
    throw new StemError("failed", "unreadable", `dead letter ${id} can not be read as a task`, {
      hint: `See what was stored: stem dlq show ${id}`,
    })
  const editor = env.VISUAL || env.EDITOR
  if (!editor) throw usage("no editor is named", "Set VISUAL or EDITOR, as in EDITOR=vi.")
  const folder = await mkdtemp(join(tmpdir(), "stem-edit-"))
  const file = join(folder, "input.json")
  const before = `${JSON.stringify(envelope.input, null, 2)}\n`
  await Bun.write(file, before)
  // Editors are often named with arguments ("code --wait"), so a shell takes the name apart.
  const { exitCode } = Bun.spawnSync(["/bin/sh", "-c", `${editor} "$1"`, "stem", file], {
    stdio: ["inherit", "inherit", "inherit"],
  })
  if (exitCode !== 0) {
    await rm(folder, { recursive: true })
    throw new StemError("failed", "editor_failed", `the editor ended with ${exitCode}; nothing was replayed`)
  }
  const after = await Bun.file(file).text()
  if (after.trim() === before.trim()) {
    await rm(folder, { recursive: true })
    talk.info("Nothing was changed, so nothing was replayed.")
    return undefined
  }
  const input = readJson(after, file)
  await rm(folder, { recursive: true })
  return { input }
}
