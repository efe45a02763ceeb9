import { defineTask, retryAfter } from "stem"

/** A plain exported function is a task. */
export async function hello({ name = "world" }: { name?: string }) {
  return `Hello, ${name}!`
}

/** A definition says more: its queue, its retries, its limits. */
export const greet = defineTask<{ names: string[] }, string[]>({
  name: "greet.all",
  queue: "greetings",
  retries: 5,
  timeout: "1m",
  async run({ names }, ctx) {
    const greetings: string[] = []
    for (const [at, name] of names.entries()) {
      if (ctx.signal.aborted) throw ctx.signal.reason
      greetings.push(`Hello, ${name}!`)
      ctx.progress((100 * (at + 1)) / names.length)
    }
    return greetings
  },
})

/** Asks to be called again later, twice. */
export const shy = defineTask({
  name: "shy",
  run: (_input, { attempt }) => {
    if (attempt < 3) throw retryAfter("100ms", "not yet")
    return `came at attempt ${attempt}`
  },
})
