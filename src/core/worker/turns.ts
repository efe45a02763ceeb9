import type { QueueChoice } from "../config/config.ts"
import type { Router } from "../policy/routing.ts"
import type { TaskSpec } from "../task/define.ts"

/**
 * Which queue comes first. Without weights the order given is a strict precedence. With weights each turn draws
 * an order in which a queue of weight 3 is first three times as often as one of weight 1, so none starves.
 */
export function queueTurns(choices: readonly QueueChoice[], random: () => number): () => readonly string[] {
  const names = choices.map(({ name }) => name)
  if (choices.every(({ weight }) => weight === undefined)) return () => names
  // Weighted sampling without replacement: Efraimidis and Spirakis, "Weighted random sampling", 2006.
  return () =>
    choices
      .map(({ name, weight = 1 }) => ({ name, key: random() ** (1 / weight) }))
      .sort((a, b) => b.key - a.key)
      .map(({ name }) => name)
}

/**
 * The queues a worker takes from: those it was told, else `default` and every queue to which its tasks go, by routing and
 * by their definitions, for there may be senders who know nothing of the routing.
 */
export function queuesOf(
  told: readonly QueueChoice[],
  specs: readonly TaskSpec[],
  router: Router | undefined,
): readonly QueueChoice[] {
  const meant = (name: string) => router?.queue(name) ?? name
  const named = specs.flatMap((spec) => [
    spec.queue,
    router?.route({ task: spec.name, defaults: spec }).queue ?? spec.queue,
  ])
  const choices = told.length > 0 ? told : ["default", ...named].map((name) => ({ name }))
  const found = new Map<string, QueueChoice>()
  for (const { name, ...rest } of choices) {
    const queue = meant(name)
    if (!found.has(queue)) found.set(queue, { name: queue, ...rest })
  }
  return [...found.values()]
}
