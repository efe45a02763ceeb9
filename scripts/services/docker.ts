import { join } from "node:path"
import { ROOT } from "../steps.ts"

const COMPOSE = join(ROOT, "docker/testing/docker-compose.yml")

/** Whether a Docker engine answers. The client alone is not enough. */
export async function dockerRuns(): Promise<boolean> {
  if (!Bun.which("docker")) return false
  const child = Bun.spawn(["docker", "info", "--format", "{{.ServerVersion}}"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  const version = (await new Response(child.stdout).text()).trim()
  return (await child.exited) === 0 && version !== ""
}

/** `docker compose up --wait` or `down`, with the certificates from this folder. */
export async function compose(action: "up" | "down", certificates: string): Promise<void> {
  const words = action === "up" ? ["up", "--detach", "--wait"] : ["down", "--volumes"]
  const child = Bun.spawn(["docker", "compose", "-f", COMPOSE, ...words], {
    env: { ...process.env, STEM_TEST_CERTIFICATES: certificates },
    stdio: ["ignore", 2, 2],
  })
  if ((await child.exited) !== 0) throw new Error(`docker compose ${action} failed; its reason stands above`)
}
