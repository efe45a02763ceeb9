import type { QueueChoice } from "../config/config.ts"

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
