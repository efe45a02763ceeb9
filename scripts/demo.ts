/**
 * `npm run demo`: builds the executable and runs the main job with it, over the files of this repository: tasks
 * are read, hashed and counted by two workers; some fail and are retried, an isolate is killed, one task dies and
 * is brought back. Every number is checked at the end. `--no-build` takes dist/stem as it is.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { copyFiles, failuresOf, ndjson, truthOf } from "./demo/jobs.ts"
import { bold, type Check, chapter, command, quote, say, verdict } from "./demo/show.ts"
import { type Stem, stemIn } from "./demo/stem.ts"
import { runAll } from "./steps.ts"

const MODULE = "examples/demo/tasks.ts"
/** The demo never hangs: what takes longer than this has gone wrong. */
const PATIENCE = 60_000

interface Status {
  readonly id: string
  readonly state: string
  readonly attempt: number
  readonly result?: unknown
  readonly progress?: { readonly data?: { readonly pid?: number } }
}
interface Overview {
  readonly queues: readonly { ready: number; running: number; retrying: number; dead: number }[]
}
interface DeadLetter {
  readonly id: string
  readonly error: { readonly message: string }
}

const ended = (stem: Stem, task: string, state = "succeeded") =>
  stem.json<Status[]>(["inspect", "tasks", "--task", task, "--state", state, "--limit", "100000"])

async function drain(stem: Stem, workers: number): Promise<{ wait(): Promise<void> }> {
  const started = Array.from({ length: workers }, (_, at) =>
    stem.start([
      "worker",
      MODULE,
      "--drain",
      "--name",
      `demo-${at + 1}`,
      "--concurrency",
      "4",
      "--lease",
      "5s",
    ]),
  )
  const late = setTimeout(() => {
    for (const worker of started) worker.kill()
  }, PATIENCE)
  return {
    async wait() {
      const codes = await Promise.all(started.map(({ done }) => done))
      clearTimeout(late)
      if (codes.every((code) => code === 0)) return
      for (const worker of started) quote((await worker.log()).split("\n").slice(-20).join("\n"))
      throw new Error(`the workers exited with ${codes.join(" and ")}`)
    },
  }
}

/** Waits until the task has told its process and nothing runs beside it, then kills that process. */
async function killIsolateOf(stem: Stem, id: string): Promise<void> {
  const until = Date.now() + PATIENCE
  while (Date.now() < until) {
    const { progress } = await stem.json<Status>(["result", id])
    const pid = progress?.data?.pid
    if (pid !== undefined && (await isAlone(stem))) {
      process.kill(pid, "SIGKILL")
      say(`process ${pid} ran it and is dead; its worker starts another one`)
      return
    }
    await Bun.sleep(100)
  }
  throw new Error("files.fingerprint never told its process")
}

async function isAlone(stem: Stem): Promise<boolean> {
  const { queues } = await stem.json<Overview>(["inspect"])
  return sum(queues.map(({ ready, running, retrying }) => ready + running + retrying)) === 1
}

async function main(folder: string): Promise<number> {
  const stem = stemIn(folder)
  const files = copyFiles(join(folder, "files"))
  const truth = truthOf(files)
  const missing = join(folder, "lost-and-found.txt")

  chapter("Put tasks on the queue")
  command(`export STEM_BROKER_URL=${stem.broker}`)
  const jobs = join(folder, "jobs.ndjson")
  await writeFile(jobs, ndjson(files, missing))
  const all = await stem.call(["enqueue", "files.fingerprint", "-", "--queue", "files", "--priority", "9"], {
    input: JSON.stringify({ files }),
  })
  const fingerprint = all.trim()
  const ids = (await stem.call(["enqueue", "--file", jobs, "-o", "name"])).trim().split("\n")
  say(`${ids.length + 1} tasks for ${files.length} files are stored, each on disk before its id was printed`)

  chapter("Two workers run them, and one of their processes is killed")
  const workers = await drain(stem, 2)
  await killIsolateOf(stem, fingerprint)
  await workers.wait()
  quote(await stem.call(["inspect"]))

  chapter("One task has died: bring it back")
  quote(await stem.call(["dlq", "list"]))
  const dead = await stem.json<DeadLetter[]>(["dlq", "list"])
  const [lost] = dead
  if (!lost) throw new Error("there should be one dead letter")
  await writeFile(missing, "found\nagain\n")
  say(`the file it missed is there now: ${basename(missing)}`)
  quote(await stem.call(["dlq", "replay", lost.id, "--yes"]))
  await (await drain(stem, 1)).wait()
  quote(await stem.call(["result", lost.id]))

  chapter("A last task reports, and every number is checked")
  const counts = await ended(stem, "files.count")
  const summary = await stem.call(["enqueue", "report.summary", "-", "--queue", "reports"], {
    input: JSON.stringify(counts.map(({ result }) => result)),
  })
  await (await drain(stem, 1)).wait()
  const { result } = await stem.json<Status>(["result", summary.trim()])
  const report = result as { files: number; lines: number; words: number; longest: string }
  say(`the longest file is ${basename(report.longest)}`)

  const hashes = await ended(stem, "files.hash")
  const [whole] = await ended(stem, "files.fingerprint")
  const again = await stem.json<Status & { replays?: unknown[] }>(["result", lost.id])
  const overview = await stem.json<Overview>(["inspect"])
  const right = hashes.filter(({ result }) => {
    const { file, sha256 } = result as { file: string; sha256: string }
    return truth.hashes.get(file) === sha256
  })
  const attempts = (wanted: number) => hashes.filter(({ attempt }) => attempt === wanted).length
  const failing = (times: number) => files.filter((_, index) => failuresOf(index) === times).length
  const failed = await stem.json<Status[]>(["inspect", "tasks", "--state", "failed"])
  const checks: Check[] = [
    { what: "tasks stored", expected: 2 * files.length + 1, found: new Set(ids).size },
    { what: "files hashed, every hash right", expected: files.length, found: right.length },
    { what: "hashed at the first attempt", expected: failing(0), found: attempts(1) },
    { what: "hashed after one retry", expected: failing(1), found: attempts(2) },
    { what: "hashed after two retries", expected: failing(2), found: attempts(3) },
    { what: "lines counted", expected: truth.lines + 2, found: report.lines },
    { what: "words counted", expected: truth.words + 2, found: report.words },
    { what: "files in the report", expected: files.length + 1, found: report.files },
    { what: "dead letters before the replay", expected: 1, found: dead.length },
    { what: "dead letters now", expected: 0, found: sum(overview.queues.map((queue) => queue.dead)) },
    { what: "the dead one, brought back", expected: "succeeded", found: again.state },
    { what: "tasks that failed in the end", expected: 0, found: failed.length },
    { what: "attempt that survived the killed process", expected: 2, found: whole?.attempt ?? 0 },
    {
      what: "one hash over all files",
      expected: truth.fingerprint.slice(0, 16),
      found: String(whole?.result).slice(0, 16),
    },
  ]
  const wrong = verdict(checks)
  if (wrong > 0) say(bold(`${wrong} of ${checks.length} numbers are wrong`))
  return wrong
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, next) => total + next, 0)

if (!process.argv.includes("--no-build"))
  await runAll([
    {
      name: "build dist/stem",
      command: [process.execPath, "scripts/build-binary.ts"],
      fix: "The demo needs the executable; mend the build first.",
    },
  ])

const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), "stem-demo-"))
let exit = 1
try {
  exit = (await main(folder)) === 0 ? 0 : 1
} catch (error) {
  console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (exit === 0) {
  console.log(
    `\n   ${bold("Everything adds up")}, after ${((performance.now() - began) / 1000).toFixed(1)} s. Try next:\n`,
  )
  for (const line of [
    "dist/stem init                          a task module of your own",
    "dist/stem worker ./tasks.ts             run its tasks",
    "dist/stem enqueue hello name=you --wait run one, and see its result",
    "dist/stem inspect                       queues and workers",
    "dist/stem --help                        everything else",
  ])
    say(line)
}
process.exit(exit)
