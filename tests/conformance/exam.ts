import { afterEach, beforeEach, describe, test } from "bun:test"
import type { Driver } from "../../src/core/contracts/driver.ts"
import type { Clock, Millis } from "../../src/core/kit/clock.ts"
import { createDesk, type Desk } from "./desk.ts"

/** A store that sits the exam. */
export interface Candidate {
  readonly name: string
  /** Opens a store, or a namespace of one, that holds nothing. */
  open(): Promise<Opened>
  /** What this store can not do, and why: those tests are shown as left out, with the reason. */
  readonly cannot?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** An open store and what a test has to be able to do around it. */
export interface Opened {
  readonly driver: Driver
  /** The time the driver goes by. */
  readonly clock: Clock
  /** Lets so much time pass: by hand, or really. */
  advance(ms: Millis): Promise<void>
  /** The length of a lease in these tests; short where time really passes. Default: 1 s. */
  readonly leaseMs?: Millis
  /** The same tasks opened once more, as another process opens them. */
  again(): Promise<Driver>
  /** Replaces the stored text of a waiting task's envelope, as damage would. */
  damage(id: string, text: string): Promise<void>
  /** Closes everything that was opened. */
  close(): Promise<void>
}

/** Tests by the sentence of behaviour each of them shows. */
export type Questions = Readonly<Record<string, (desk: Desk) => Promise<void>>>

/** Puts the questions to the candidate, each with a store of its own. */
export function ask(candidate: Candidate, subject: string, questions: Questions): void {
  const reasons = new Map(
    (candidate.cannot ?? []).flatMap(({ reason, tests }) => tests.map((title) => [title, reason])),
  )
  describe(`${candidate.name}: ${subject}`, () => {
    let opened: Opened
    beforeEach(async () => {
      opened = await candidate.open()
    })
    afterEach(() => opened.close())

    for (const [title, question] of Object.entries(questions)) {
      const reason = reasons.get(title)
      if (reason === undefined) test(title, () => question(createDesk(opened)))
      else test.skip(`${title} (left out: ${reason})`, () => {})
    }
  })
}

/** Refuses a lack that names no test: a reason that nobody reads any more. */
export function requireKnownLacks({ cannot = [] }: Candidate, subjects: readonly Questions[]): void {
  const titles = new Set(subjects.flatMap((questions) => Object.keys(questions)))
  for (const title of cannot.flatMap(({ tests }) => tests))
    if (!titles.has(title)) throw new Error(`no test of the exam is called "${title}"`)
}
