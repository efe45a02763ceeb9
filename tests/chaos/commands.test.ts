import { afterEach, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fact, openScene, type Scene } from "./scene.ts"

let scene: Scene
afterEach(() => scene.close())

/** Whether a process is there; a zombie is not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

/** A command, its child, and a daemon that leaves its group; none of them listens to TERM. */
const FAMILY = `trap "" TERM
echo $$ > pid-$STEM_ATTEMPT
sh -c 'echo $$ > child; mv child child-'$STEM_ATTEMPT'; exec sleep 100' &
setsid sh -c 'echo $$ > daemon; mv daemon daemon-'$STEM_ATTEMPT'; exec sleep 100' &
until [ -e child-$STEM_ATTEMPT ] && [ -e daemon-$STEM_ATTEMPT ]; do sleep 0.01; done
if [ $STEM_ATTEMPT = 2 ]; then exit 0; fi
echo up > up
wait; sleep 100`

test("kill -9 of the worker leaves no command, and the next worker runs it again", async () => {
  scene = await openScene()
  const at = (name: string) => join(scene.folder, name)
  const flags = ["--shell", "--lease", "1s"]
  const first = await scene.worker(...flags)
  const [id = ""] = await scene.enqueue("shell", 1, { argv: [FAMILY], useShell: true, cwd: scene.folder })
  await fact(() => existsSync(at("up")), 20_000, "the command runs")
  const pids = ["pid-1", "child-1", "daemon-1"].map((name) => Number(readFileSync(at(name), "utf8")))
  expect(pids.map(isAlive)).toEqual([true, true, true])
  first.kill("SIGKILL")
  await fact(() => !pids.some(isAlive), 5000, "everything the command started is gone")

  await scene.worker(...flags)
  const [status] = await scene.ended([id], 20_000)
  expect(status).toMatchObject({ state: "succeeded", attempt: 2 })
  process.kill(Number(readFileSync(at("daemon-2"), "utf8")), "SIGKILL")
}, 60_000)
