import type { Store } from "./store.ts"

/** So many pages in one transaction: they are moved and written, so that no enqueue waits longer than for a flush. */
const PIECE = 256
/** Room that the next burst will want is kept: this much, and a part of what is in use. */
const KEPT_PAGES = 1024
const KEPT_PART = 0.25

/**
 * Shortens the file by a piece of what is empty in it. One that an older Stem made can not be shortened so; see
 * file-checkup.ts. Nothing of it has to be on the disk at once.
 */
export function createGiveBack({ connection, commit }: Store): () => Promise<boolean> {
  const kind = connection.sql("PRAGMA auto_vacuum")
  const pages = connection.sql("PRAGMA page_count")
  const free = connection.sql("PRAGMA freelist_count")
  const give = connection.sql(`PRAGMA incremental_vacuum(${PIECE})`)

  const tooMuch = () => {
    if (kind.one<{ auto_vacuum: number }>()?.auto_vacuum !== INCREMENTAL) return 0
    const empty = free.one<{ freelist_count: number }>()?.freelist_count ?? 0
    const used = (pages.one<{ page_count: number }>()?.page_count ?? 0) - empty
    return empty - Math.max(KEPT_PAGES, used * KEPT_PART)
  }

  return async () => {
    if ((await connection.patiently(tooMuch)) < PIECE) return false
    return commit.writeSoftly(() => {
      // It frees a page for each row it is asked for.
      give.all()
      return tooMuch() >= PIECE
    })
  }
}

const INCREMENTAL = 2
