import type { Kept } from "../../core/client/spool.ts"
import type { Config } from "../../core/config/config.ts"
import { openSpool } from "../../stem.ts"

/** What the spool keeps, for every store and namespace; looking does not make a spool where there is none. */
export async function keptIn(config: Config): Promise<readonly Kept[]> {
  if (!(await Bun.file(config.spool.path).exists())) return []
  const spool = await openSpool(config)
  try {
    return await spool.kept()
  } finally {
    await spool.close()
  }
}
