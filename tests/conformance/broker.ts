import { cancelling } from "./cancelling.ts"
import { ask, type Candidate, type Questions } from "./exam.ts"
import { hastening } from "./hastening.ts"
import { intake } from "./intake.ts"
import { leases } from "./leases.ts"
import { settling } from "./settling.ts"
import { waking } from "./waking.ts"

export const brokerQuestions: readonly Questions[] = [intake, leases, settling, cancelling, waking, hastening]

/** Every promise of contracts/broker.ts. */
export function examineBroker(candidate: Candidate): void {
  ask(candidate, "enqueue and reserve", intake)
  ask(candidate, "leases", leases)
  ask(candidate, "settle", settling)
  ask(candidate, "cancel", cancelling)
  ask(candidate, "wait", waking)
  ask(candidate, "hasten", hastening)
}
