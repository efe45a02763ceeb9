import { fileURLToPath } from "node:url"
import { invalid, messageOf, type StemError } from "../../core/kit/errors.ts"
import { showPath } from "../modules/source.ts"
import { fromWireError } from "./errors.ts"
import {
  type Defined,
  type FromIsolate,
  type FromIsolateParcel,
  ISOLATE_COMMAND,
  ISOLATE_MARK,
  type ToIsolate,
  type WireError,
} from "./protocol.ts"

/** One child process, seen from the supervisor. */
export interface IsolateProcess {
  readonly pid: number
  /** What its modules define, once they are loaded. Rejects when they can not be. */
  readonly ready: Promise<Defined>
  /** How it ended, after the last thing it said has been heard. */
  readonly gone: Promise<Ended>
  send(message: ToIsolate): void
  /** SIGKILL: no handler can refuse. */
  kill(): void
}

/** `exit code 3`, `signal SIGSEGV`. */
export interface Ended {
  readonly reason: string
  readonly code: number | null
  readonly signal: string | null
  /** Its modules had been loaded. */
  readonly wasReady: boolean
}

/** The modules could not be loaded: what the isolate said, or how it ended. */
export type NotReady = { readonly refused: WireError } | { readonly ended: Ended }

const LOAD_WITHIN_MS = 60_000
const TOO_LATE: WireError = {
  kind: "invalid",
  code: "module_load_timeout",
  message: `the task modules did not finish loading within ${LOAD_WITHIN_MS / 1000} s`,
  hint: "Look for a top-level await that waits for something, or a loop.",
}

const COMPILED = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/

/** How to start Stem: this executable again, or Bun with the same sources. */
export function ownCommand(): string[] {
  if (COMPILED.test(Bun.main) || COMPILED.test(import.meta.path)) return [process.execPath]
  return [process.execPath, fileURLToPath(new URL("../../main.ts", import.meta.url))]
}

/** How to start a child of ours, by a hidden sub-command. */
export const selfCommand = (hidden: string = ISOLATE_COMMAND): string[] => [...ownCommand(), hidden]

export function startProcess(
  command: readonly string[],
  load: { modules: readonly string[]; watchRss: boolean },
  hear: (parcel: FromIsolateParcel) => void,
): IsolateProcess {
  const ready = Promise.withResolvers<Defined>()
  const gone = Promise.withResolvers<Ended>()
  let wasReady = false
  // Whoever starts it may look at `gone` only.
  ready.promise.then(
    () => {
      wasReady = true
    },
    () => {},
  )
  const late = setTimeout(() => ready.reject({ refused: TOO_LATE } satisfies NotReady), LOAD_WITHIN_MS)
  ready.promise.finally(() => clearTimeout(late)).catch(() => {})
  // It is gone when it has exited and everything it said has been heard, in whichever order these come.
  const heard = Promise.withResolvers<void>()

  const child = Bun.spawn({
    cmd: [...command],
    env: { ...process.env, [ISOLATE_MARK]: String(process.pid) },
    // stdout is for data, and what user code prints is not.
    stdio: ["ignore", 2, 2],
    serialization: "json",
    ipc(message: FromIsolate) {
      if (message.kind === "parcel") hear(message)
      else if (message.kind === "ready") ready.resolve(message)
      else if (message.kind === "refused") ready.reject({ refused: message.error } satisfies NotReady)
    },
    onDisconnect: () => heard.resolve(),
    async onExit(_process, code, signalCode) {
      const signal = signalCode === null ? null : String(signalCode)
      const ended = { code, signal, wasReady, reason: signal ? `signal ${signal}` : `exit code ${code}` }
      await Promise.race([heard.promise, Bun.sleep(1000)])
      ready.reject({ ended } satisfies NotReady)
      gone.resolve(ended)
    },
  })
  const send = (message: ToIsolate) => {
    try {
      child.send(message)
    } catch {
      // It is going, or can not be reached: either way its end decides about its runs.
      child.kill("SIGKILL")
    }
  }
  send({ kind: "load", ...load })
  return { pid: child.pid, ready: ready.promise, gone: gone.promise, send, kill: () => child.kill("SIGKILL") }
}

/** Why isolates could not be made ready, for whoever wrote the modules. */
export function loadError(modules: readonly string[], thrown: unknown): StemError {
  const why = thrown as Partial<{ refused: WireError; ended: Ended }>
  if (why.refused) return fromWireError(why.refused)
  const files = modules.map(showPath).join(", ")
  return invalid(
    "module_exited",
    `${files}: the process died while loading: ${why.ended?.reason ?? messageOf(thrown)}`,
  )
}
