import { CHUNK, chunks } from "./records.ts"
import type { Store } from "./store.ts"

/** Looks for the status of a task, as it is stored or '', and asks to be told of its end. */
export type Watch = (id: string) => Promise<string>

/** All who look within one turn of the event loop share a call, so that a thousand waiters cost a few. */
export function createWatch(store: Store): Watch {
  let gathering: { ids: Set<string>; found: Promise<ReadonlyMap<string, string>> } | undefined

  async function look(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
    await new Promise((resolve) => setImmediate(resolve))
    gathering = undefined
    const all = [...ids]
    const texts = await Promise.all(chunks(all, CHUNK).map((some) => store.run<string[]>("watch", some)))
    return new Map(texts.flat().map((text, at) => [all[at] as string, text]))
  }

  return async (id) => {
    if (!gathering) {
      const ids = new Set<string>()
      gathering = { ids, found: look(ids) }
    }
    gathering.ids.add(id)
    return (await gathering.found).get(id) ?? ""
  }
}
