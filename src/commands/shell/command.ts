import type { ExitCode } from "./exit.ts"
import type { Stderr } from "./stderr.ts"
import type { Stdout } from "./stdout.ts"
import type { Talk } from "./talk.ts"
import type { ColorChoice, Paint } from "./terminal.ts"

/** One flag of a command. */
export type Flag =
  | { readonly kind: "switch"; readonly about: string; readonly short?: string }
  | {
      readonly kind: "value"
      readonly hint: string
      readonly about: string
      readonly short?: string
      readonly choices?: readonly string[]
    }
  /** `--watch` or `--watch=2s`: the value is written with "=" or left out. */
  | { readonly kind: "optional"; readonly hint: string; readonly about: string; readonly short?: string }
  /** May be given many times. */
  | { readonly kind: "list"; readonly hint: string; readonly about: string; readonly short?: string }

export type Flags = Readonly<Record<string, Flag>>

type ValueOf<F extends Flag> = F["kind"] extends "switch"
  ? boolean
  : F["kind"] extends "list"
    ? readonly string[]
    : F["kind"] extends "optional"
      ? string | true | undefined
      : string | undefined

/** What was given: switches are false, lists empty and values undefined when nothing was. */
export type Given<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]> }

/** What every command is run with. */
export interface Shell {
  readonly stdout: Stdout
  readonly stderr: Stderr
  readonly talk: Talk
  /** For stdout. */
  readonly paint: Paint
  /** What `--color` said. */
  readonly color: ColorChoice
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  readonly terminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  readonly debug: boolean
  /** All commands there are. */
  readonly root: Entry
}

export interface Call<F extends Flags> {
  readonly flags: Given<F>
  readonly operands: readonly string[]
  readonly shell: Shell
}

/** A command: plain data and a function. Help, completions and parsing all follow from it. */
export interface Command<F extends Flags = Flags> {
  /** What follows the name: `<task> [input…]`. */
  readonly usage: string
  readonly operands: { readonly least: number; readonly most: number }
  /** A command line, and what it does. Shown first. */
  readonly examples: readonly (readonly [line: string, about: string])[]
  readonly notes?: string
  readonly flags: F
  run(call: Call<F>): Promise<ExitCode>
}

/** A command's name as it is known before the command is loaded. */
export interface Entry {
  readonly about: string
  readonly hidden?: boolean
  readonly load?: () => Promise<{ readonly default: Command }>
  readonly children?: Readonly<Record<string, Entry>>
}

/** Gives a definition its types. */
export const defineCommand = <const F extends Flags>(command: Command<F>): Command =>
  command as unknown as Command
