import { maskUrl } from "../../core/config/mask.ts"
import type { Millis } from "../../core/kit/clock.ts"
import type { Flags } from "./command.ts"

/** What a unit file for systemd is made of. */
export interface Unit {
  readonly description: string
  /** The program and its sub-command. */
  readonly start: readonly string[]
  /** What was given on the command line. */
  readonly given: GivenWords
  /** Where relative paths are meant from, and stem.toml is looked for. */
  readonly directory: string
  /** How long it takes to stop at most. */
  readonly stopMs: Millis
  /** It runs commands, which may need what hardening would take away. */
  readonly commands: boolean
}

/** Flags and operands, as words of another command line. */
export interface GivenWords {
  readonly words: readonly string[]
  /** Variables that name a file with a URL, in place of flags whose URL holds a password. */
  readonly secrets: readonly string[]
}

const SECRET_FILES: Readonly<Record<string, string>> = {
  broker: "STEM_BROKER_URL_FILE",
  results: "STEM_RESULT_BACKEND_URL_FILE",
  schedules: "STEM_SCHEDULE_STORE_URL_FILE",
}

/** The words that would give the same flags and operands again, without passwords. */
export function givenWords(
  known: Flags,
  flags: Readonly<Record<string, unknown>>,
  operands: readonly string[],
  but: readonly string[],
): GivenWords {
  const words: string[] = []
  const secrets: string[] = []
  for (const name of Object.keys(known)) {
    const value = flags[name]
    if (but.includes(name) || value === undefined || value === false) continue
    const file = SECRET_FILES[name]
    if (file !== undefined && maskUrl(String(value)) !== value) secrets.push(file)
    else if (value === true) words.push(`--${name}`)
    else for (const one of Array.isArray(value) ? value : [value]) words.push(`--${name}=${one}`)
  }
  // A flag's value never ends the flags, an operand that looks like one would.
  const dashed = operands.some((operand) => operand.startsWith("-"))
  return { words: [...words, ...(dashed ? ["--"] : []), ...operands], secrets }
}

/** Longer than an idle worker's longest sleep, several times. */
const WATCHDOG_SECONDS = 30
/** Beside the grace: for handing back what is unfinished. */
const FAREWELL_SECONDS = 30

/** The text of a unit file. */
export function unitFile({ description, start, given, directory, stopMs, commands }: Unit): string {
  const credentials = given.secrets.flatMap((variable) => {
    const name = variable
      .toLowerCase()
      .replaceAll("_", "-")
      .replace(/-file$/, "")
    return [
      `# A file with the URL, for root alone. It is not written here because it holds a password.`,
      `LoadCredential=${name}:/etc/stem/${name}`,
      `Environment=${variable}=%d/${name}`,
    ]
  })
  return `${[
    "[Unit]",
    `Description=${description}`,
    "Wants=network-online.target",
    "After=network-online.target",
    "",
    "[Service]",
    "Type=notify",
    `ExecStart=${[...start, ...given.words].map(quote).join(" ")}`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    `WorkingDirectory=${directory.replaceAll("%", "%%")}`,
    "User=stem",
    "StateDirectory=stem",
    "# Without a broker of its own it keeps its tasks in the state directory.",
    "Environment=XDG_STATE_HOME=/var/lib",
    ...credentials,
    "",
    "# It is asked for a sign of progress; a loop that stands still is started anew.",
    `WatchdogSec=${WATCHDOG_SECONDS}`,
    "Restart=on-failure",
    "RestartSec=1",
    "# TERM goes to the main process alone, which takes care of its children.",
    "KillMode=mixed",
    `TimeoutStopSec=${Math.ceil(stopMs / 1000) + FAREWELL_SECONDS}`,
    "",
    ...(commands ? FOR_COMMANDS : FOR_TASKS),
    ...HARDENING,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ].join("\n")}\n`
}

const HARDENING = [
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectControlGroups=yes",
  "LockPersonality=yes",
]

const FOR_TASKS = [
  "# Take away here what your tasks need: all that they do is held to it too.",
  "NoNewPrivileges=yes",
  "PrivateTmp=yes",
  "ProtectSystem=full",
  "RestrictSUIDSGID=yes",
]

const FOR_COMMANDS = [
  "# It runs commands, which may need more than tasks do. Add what yours can do without:",
  "# NoNewPrivileges=yes  PrivateTmp=yes  ProtectSystem=full  ProtectHome=yes  RestrictSUIDSGID=yes",
  "# Only as User=root can it run commands as other users; then whoever can enqueue is root.",
]

/** A word as systemd reads it back: quoted where needed, with nothing left to expand. */
function quote(word: string): string {
  const plain = word
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$")
  return /^[\w./:=@,+-]+$/.test(word) ? word : `"${plain.replaceAll("\n", "\\n")}"`
}
