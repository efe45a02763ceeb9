import { expect, test } from "bun:test"
import { DECLARATIONS, makeDeclarations } from "../../../scripts/declarations.ts"
import { tool } from "../../../scripts/steps.ts"
import { stemDeclarations } from "../../../src/runtime/modules/declarations.ts"
import { moduleFolder } from "../../support/module-folder.ts"

test("the types for editors are those of the sources", async () => {
  // Not so? `bun scripts/declarations.ts` writes them.
  expect(await makeDeclarations()).toBe(await Bun.file(DECLARATIONS).text())
}, 60_000)

test("a task module is checked against them where nothing is installed", async () => {
  using folder = moduleFolder({
    "stem.d.ts": stemDeclarations,
    "tsconfig.json": JSON.stringify({
      compilerOptions: { strict: true, noEmit: true, types: [], lib: ["ESNext", "DOM"], module: "preserve" },
    }),
    "good.ts": `
      import { connect, defineTask, retryAfter, StemError, type Client, type TaskContext } from "stem"
      export const resize = defineTask({
        name: "image.resize", queue: "media", retries: 5, timeout: "2m", retryOn: [TypeError, "E_BUSY"],
        async run(input: { file: string }, ctx) {
          ctx.progress(1)
          ctx.log.info("resizing", { file: input.file })
          if (ctx.signal.aborted) throw retryAfter("5s")
          await ctx.enqueue(resize, { file: "b" }, { delay: "5s" })
          return { bytes: 1 }
        },
      })
      export async function hello(name: string, ctx: TaskContext): Promise<string> { return name + ctx.attempt }
      export const send = async (client: Client) => {
        const sent = await client.enqueue(resize, { file: "a" })
        const bytes: number | undefined = (await client.wait(sent)).result?.bytes
        return bytes
      }
      export const open = () => connect("sqlite:x.db")
      export const code = (error: unknown) => error instanceof StemError ? error.code : ""
    `,
    "bad.ts": `
      import { defineTask } from "stem"
      export const a = defineTask({ retries: "five", run() {} })
    `,
  })
  const child = Bun.spawn([tool("tsc"), "-p", folder.path], { stdio: ["ignore", "pipe", "pipe"] })
  const out = await child.stdout.text()
  expect(out).not.toContain("good.ts")
  expect(out).not.toContain("stem.d.ts")
  expect(out).toContain("bad.ts(3")
}, 60_000)
