import type { Stores } from "../../stem.ts"

const STEP = 10_000

/** Empties the namespace of open stores: what waits, what has ended, what died, and what is told of it. */
export async function removeAll({ inspector, results, events, recorder, clock }: Stores): Promise<void> {
  for (const { queue } of await inspector.queues())
    while ((await inspector.purge(queue, STEP)) > 0) await clock.sleep(0)
  const future = clock.now() + 86_400_000
  const everything = { succeededBefore: future, otherBefore: future, max: STEP }
  while ((await results.prune(everything)) > 0) await clock.sleep(0)
  while ((await inspector.deadLetters.prune(future, STEP)) > 0) await clock.sleep(0)
  await recorder?.idle()
  while ((await events.prune({ keep: 0, before: future })) > 0) await clock.sleep(0)
}
