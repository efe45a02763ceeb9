import beat from "./scripts/beat.lua" with { type: "text" }
import books from "./scripts/books.lua" with { type: "text" }
import bury from "./scripts/bury.lua" with { type: "text" }
import cancel from "./scripts/cancel.lua" with { type: "text" }
import commandAnswer from "./scripts/command-answer.lua" with { type: "text" }
import commandSend from "./scripts/command-send.lua" with { type: "text" }
import discard from "./scripts/discard.lua" with { type: "text" }
import endings from "./scripts/endings.lua" with { type: "text" }
import enqueue from "./scripts/enqueue.lua" with { type: "text" }
import eventAppend from "./scripts/event-append.lua" with { type: "text" }
import eventPrune from "./scripts/event-prune.lua" with { type: "text" }
import eventRead from "./scripts/event-read.lua" with { type: "text" }
import eventWait from "./scripts/event-wait.lua" with { type: "text" }
import forget from "./scripts/forget.lua" with { type: "text" }
import groupMend from "./scripts/group-mend.lua" with { type: "text" }
import groupPrune from "./scripts/group-prune.lua" with { type: "text" }
import groupRead from "./scripts/group-read.lua" with { type: "text" }
import groups from "./scripts/groups.lua" with { type: "text" }
import hasten from "./scripts/hasten.lua" with { type: "text" }
import intake from "./scripts/intake.lua" with { type: "text" }
import keyForget from "./scripts/key-forget.lua" with { type: "text" }
import letters from "./scripts/letters.lua" with { type: "text" }
import limitBooks from "./scripts/limit-books.lua" with { type: "text" }
import limitFree from "./scripts/limit-free.lua" with { type: "text" }
import limitKeep from "./scripts/limit-keep.lua" with { type: "text" }
import limitTake from "./scripts/limit-take.lua" with { type: "text" }
import lineForget from "./scripts/line-forget.lua" with { type: "text" }
import lines from "./scripts/lines.lua" with { type: "text" }
import lock from "./scripts/lock.lua" with { type: "text" }
import note from "./scripts/note.lua" with { type: "text" }
import notePrune from "./scripts/note-prune.lua" with { type: "text" }
import pause from "./scripts/pause.lua" with { type: "text" }
import prune from "./scripts/prune.lua" with { type: "text" }
import put from "./scripts/put.lua" with { type: "text" }
import queues from "./scripts/queues.lua" with { type: "text" }
import read from "./scripts/read.lua" with { type: "text" }
import reclaim from "./scripts/reclaim.lua" with { type: "text" }
import renew from "./scripts/renew.lua" with { type: "text" }
import replay from "./scripts/replay.lua" with { type: "text" }
import reserve from "./scripts/reserve.lua" with { type: "text" }
import scheduleBooks from "./scripts/schedule-books.lua" with { type: "text" }
import scheduleClaim from "./scripts/schedule-claim.lua" with { type: "text" }
import scheduleCommit from "./scripts/schedule-commit.lua" with { type: "text" }
import scheduleFire from "./scripts/schedule-fire.lua" with { type: "text" }
import schedulePause from "./scripts/schedule-pause.lua" with { type: "text" }
import schedulePut from "./scripts/schedule-put.lua" with { type: "text" }
import scheduleRead from "./scripts/schedule-read.lua" with { type: "text" }
import scheduleRecall from "./scripts/schedule-recall.lua" with { type: "text" }
import scheduleRemove from "./scripts/schedule-remove.lua" with { type: "text" }
import scheduleResume from "./scripts/schedule-resume.lua" with { type: "text" }
import scheduleWait from "./scripts/schedule-wait.lua" with { type: "text" }
import settle from "./scripts/settle.lua" with { type: "text" }
import succeed from "./scripts/succeed.lua" with { type: "text" }
import turns from "./scripts/turns.lua" with { type: "text" }
import wait from "./scripts/wait.lua" with { type: "text" }
import watch from "./scripts/watch.lua" with { type: "text" }

/** One script as the server runs it. */
export interface Script {
  readonly text: string
  /** What EVALSHA calls it by. */
  readonly sha: string
}

/**
 * The first line says what the server may do with a script; what all scripts share comes after it. Made when it is first
 * run, for a command that is called from shells runs one or two.
 */
function whole(verb: string, shared = () => books): Script {
  let made: { readonly text: string; readonly sha: string } | undefined
  const make = () => {
    const end = verb.indexOf("\n") + 1
    const text = verb.slice(0, end) + shared() + verb.slice(end)
    return { text, sha: new Bun.CryptoHasher("sha1").update(text).digest("hex") }
  }
  return {
    get text() {
      made ??= make()
      return made.text
    },
    get sha() {
      made ??= make()
      return made.sha
    },
  }
}

const ofLimits = (verb: string) => whole(verb, () => books + limitBooks)
const ofSchedules = (verb: string) => whole(verb, () => books + lines + intake + scheduleBooks)
const ofLines = (verb: string, more = "") => whole(verb, () => books + lines + more)
/** Of what ends tasks, or lets them in: they may be part of a flow. */
const ofFlows = (verb: string) => whole(verb, () => books + lines + endings + intake + groups)

/** Every verb; what it takes and answers stands at the top of its file. */
export const SCRIPTS = {
  beat: whole(beat),
  bury: ofFlows(bury),
  cancel: ofFlows(cancel),
  commandAnswer: whole(commandAnswer),
  commandSend: whole(commandSend),
  discard: whole(discard),
  enqueue: ofFlows(enqueue),
  eventAppend: whole(eventAppend),
  eventPrune: whole(eventPrune),
  eventRead: whole(eventRead),
  eventWait: whole(eventWait),
  forget: whole(forget),
  groupMend: ofFlows(groupMend),
  groupPrune: whole(groupPrune),
  groupRead: whole(groupRead),
  hasten: ofLines(hasten),
  keyForget: whole(keyForget),
  letters: whole(letters),
  limitFree: ofLimits(limitFree),
  limitKeep: ofLimits(limitKeep),
  limitTake: ofLimits(limitTake),
  lineForget: whole(lineForget),
  lock: whole(lock),
  note: whole(note),
  notePrune: whole(notePrune),
  pause: whole(pause),
  prune: whole(prune),
  put: whole(put),
  queues: whole(queues),
  read: whole(read),
  reclaim: whole(reclaim),
  renew: whole(renew),
  replay: ofLines(replay),
  reserve: ofLines(reserve, turns),
  scheduleClaim: ofSchedules(scheduleClaim),
  scheduleCommit: ofSchedules(scheduleCommit),
  scheduleFire: ofSchedules(scheduleFire),
  schedulePause: ofSchedules(schedulePause),
  scheduleRecall: ofSchedules(scheduleRecall),
  schedulePut: ofSchedules(schedulePut),
  scheduleRead: ofSchedules(scheduleRead),
  scheduleRemove: ofSchedules(scheduleRemove),
  scheduleResume: ofSchedules(scheduleResume),
  scheduleWait: ofSchedules(scheduleWait),
  settle: ofFlows(settle),
  succeed: ofFlows(succeed),
  wait: whole(wait),
  watch: whole(watch),
} as const satisfies Record<string, Script>

/** The name of a script. */
export type ScriptName = keyof typeof SCRIPTS
