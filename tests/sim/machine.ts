import type { Broker } from "../../src/core/contracts/broker.ts"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Clock } from "../../src/core/kit/clock.ts"
import { unavailable } from "../../src/core/kit/errors.ts"

/** One machine of a simulated cluster: it can lose its store, stand still, or die. */
export interface Machine {
  readonly clock: Clock
  /** The store as this machine sees it. */
  readonly driver: Driver
  /** The store answers nothing, or its answers are lost after it did the work. */
  cut(how: "before" | "after" | "no"): void
  /** Stands still until it goes on; its sleeps end then. */
  pause(): void
  resume(): void
  /** Never goes on. */
  kill(): void
  dead(): boolean
  standing(): boolean
}

export function machine(world: Clock, store: Driver): Machine {
  let broken: "before" | "after" | "no" = "no"
  let dead = false
  let standing: Promise<void> | undefined
  let goOn = () => {}

  const alive = async () => {
    while (standing) await standing
    if (dead) await new Promise(() => {})
  }

  const reach =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await alive()
      if (broken === "before") throw unavailable("store_away", "the store is away")
      const answer = await call(...args)
      await alive()
      if (broken === "after") throw unavailable("store_away", "the store is away")
      return answer
    }

  const through = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([name, value]) => [
        name,
        typeof value === "function" ? reach(value) : through(value),
      ]),
    ) as T

  const { schedules } = store
  const broker: Broker = { ...through(store.broker), wait: store.broker.wait }
  return {
    clock: {
      ...world,
      async sleep(ms, signal) {
        await world.sleep(ms, signal)
        await alive()
      },
    },
    driver: {
      ...store,
      broker: {
        ...broker,
        async wait(...args) {
          await store.broker.wait(...args)
          await alive()
          if (broken !== "no") throw unavailable("store_away", "the store is away")
        },
      },
      results: through(store.results),
      inspector: through(store.inspector),
      workers: through(store.workers),
      groups: through(store.groups),
      notes: through(store.notes),
      limits: through(store.limits),
      schedules: schedules && {
        ...through(schedules),
        async wait(...args) {
          await schedules.wait(...args)
          await alive()
        },
      },
    },
    cut(how) {
      broken = how
    },
    pause() {
      standing ??= new Promise((resolve) => {
        goOn = () => {
          standing = undefined
          resolve()
        }
      })
    },
    resume: () => goOn(),
    kill() {
      dead = true
      goOn()
    },
    dead: () => dead,
    standing: () => standing !== undefined,
  }
}
