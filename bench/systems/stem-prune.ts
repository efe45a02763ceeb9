import { sweep } from "../../src/core/upkeep/janitor.ts"
import type { Place } from "../places.ts"
import { openIn } from "./stem.ts"

/** Removes everything that has ended, as a worker's janitor does when the retention is over. */
export async function pruneAll(place: Place): Promise<void> {
  const stores = await openIn(place)
  const retention = { successesMs: -1, failuresMs: -1, deadLettersMs: -1 }
  await sweep(
    { ...stores, retention, holder: "bench", emit: () => {} },
    new AbortController().signal,
    async () => true,
  )
  await stores.close()
}

/** What a worker's janitor does after it: empty room goes back to the disk. */
export async function giveBack(place: Place): Promise<void> {
  const stores = await openIn(place)
  while (await stores.giveBack());
  await stores.close()
}
