import { rm } from "node:fs/promises"
import { join } from "node:path"
import { compile } from "./compile.ts"

export interface StartTime {
  readonly stemMs: number
  /** A program that prints one word, compiled the same way: what the runtime itself costs. */
  readonly helloMs: number
}

const ROUNDS = 15

/** Medians of whole processes from start to end, the two taken in turn so that both see the same machine. */
export async function measureStart(
  binary: string,
  args: readonly string[],
  folder: string,
): Promise<StartTime> {
  const entry = join(folder, "hello.ts")
  const hello = join(folder, "hello")
  await Bun.write(entry, 'console.log("hello")\n')
  await compile({ entry, outfile: hello, commit: "" })
  const stem: number[] = []
  const bare: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await timed([hello]))
    stem.push(await timed([binary, ...args]))
  }
  await rm(hello)
  return { stemMs: median(stem), helloMs: median(bare) }
}

async function timed(command: readonly string[]): Promise<number> {
  const began = performance.now()
  await Bun.spawn([...command], { stdio: ["ignore", "ignore", "ignore"] }).exited
  return performance.now() - began
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
