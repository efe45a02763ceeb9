import { sendThrough } from "../task/chains.ts"
import type { Middleware, Outgoing } from "../task/define-middleware.ts"
import type { Envelope } from "../task/envelope.ts"

interface Waiting<S> {
  readonly envelope: Envelope
  readonly resolve: (sent: S) => void
  readonly reject: (error: unknown) => void
}

/**
 * Sends tasks through middleware and yet together: each waits in the innermost `next` until all have come that far, then
 * they are stored in their order. When one is refused nothing is stored, and that refusal is thrown.
 */
export async function sendTogether<S extends { readonly id: string }>(
  chain: readonly Middleware[],
  asks: readonly Outgoing[],
  make: (ask: Outgoing, at: number) => Envelope,
  send: (envelopes: readonly Envelope[]) => Promise<readonly S[]>,
): Promise<readonly S[]> {
  const waiting = new Map<number, Waiting<S>>()
  let refused: { readonly error: unknown } | undefined
  let ended = 0
  let open = true

  async function look(): Promise<void> {
    if (!open || waiting.size + ended < asks.length) return
    open = false
    const all = [...waiting].sort(([a], [b]) => a - b).map(([, one]) => one)
    if (refused) {
      for (const { reject } of all) reject(refused.error)
      return
    }
    try {
      const answers = await send(all.map(({ envelope }) => envelope))
      for (const [at, { resolve }] of all.entries()) resolve(answers[at] as S)
    } catch (error) {
      for (const { reject } of all) reject(error)
    }
  }

  const one = async (ask: Outgoing, at: number): Promise<S> => {
    try {
      return await sendThrough(chain, ask, async (last) => {
        const envelope = make(last, at)
        // One that tries again after a failure goes alone.
        if (refused) throw refused.error
        if (!open) return (await send([envelope]))[0] as S
        return new Promise<S>((resolve, reject) => {
          waiting.set(at, { envelope, resolve, reject })
          void look()
        })
      })
    } catch (error) {
      if (open) {
        refused ??= { error }
        ended += 1
        void look()
      }
      throw error
    }
  }

  const answers = await Promise.allSettled(asks.map(one))
  return answers.map((answer) => {
    if (answer.status === "rejected") throw refused ? refused.error : answer.reason
    return answer.value
  })
}
