import { closest } from "../core/kit/closest.ts"
import { bashScript } from "./completions/bash.ts"
import { fishScript } from "./completions/fish.ts"
import { type CompletionNode, completionTree } from "./completions/tree.ts"
import { zshScript } from "./completions/zsh.ts"
import { defineCommand } from "./shell/command.ts"
import { EXIT, usage } from "./shell/exit.ts"

const SHELLS: Record<string, (nodes: readonly CompletionNode[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export default defineCommand({
  usage: "<bash|zsh|fish>",
  operands: { least: 1, most: 1 },
  examples: [
    ["source <(stem completions bash)", "in ~/.bashrc"],
    ["source <(stem completions zsh)", "in ~/.zshrc, after compinit"],
    ["stem completions fish > ~/.config/fish/completions/stem.fish", "for fish"],
  ],
  flags: {},
  async run({ operands, shell }) {
    const [name = ""] = operands
    const script = Object.hasOwn(SHELLS, name) ? SHELLS[name] : undefined
    if (!script) {
      const meant = closest(name, Object.keys(SHELLS))
      throw usage(
        `no completions are written for "${name}"`,
        meant ? `Did you mean ${meant}?` : `Shells: ${Object.keys(SHELLS).join(", ")}.`,
      )
    }
    await shell.stdout.write(script(await completionTree(shell.root)))
    return EXIT.done
  },
})
