import type { StemError } from "../kit/errors.ts"
import type { Envelope } from "../task/envelope.ts"
import type { Spool } from "./spool.ts"

/** Told when envelopes were kept, and why the store did not take them. */
export type KeptListener = (envelopes: readonly Envelope[], why: StemError) => void

/** What a client keeps with. The spool is opened when something is to be kept, and again when that failed. */
export interface Keeper {
  keep(envelopes: readonly Envelope[], why: StemError): Promise<void>
  close(): Promise<void>
}

/** A keeper for the spool that `open` opens. */
export function createKeeper(open: () => Promise<Spool>, kept?: KeptListener): Keeper {
  let opening: Promise<Spool> | undefined
  return {
    async keep(envelopes, why) {
      opening ??= open().catch((error) => {
        opening = undefined
        throw error
      })
      await (await opening).keep(envelopes)
      kept?.(envelopes, why)
    },
    close: async () => (await opening?.catch(() => undefined))?.close(),
  }
}
