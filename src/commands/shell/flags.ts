import type { Flags } from "./command.ts"

/** Every command knows these. */
export const SHELL_FLAGS = {
  help: { kind: "switch", short: "h", about: "show this" },
  color: {
    kind: "value",
    hint: "WHEN",
    about: "colours: auto, always or never",
    choices: ["auto", "always", "never"],
  },
  debug: { kind: "switch", about: "show where in Stem an error came from" },
} as const satisfies Flags

/** Commands that use a store. */
export const STORE_FLAGS = {
  broker: { kind: "value", hint: "URL", about: "where tasks live, as in sqlite:./stem.db" },
  results: { kind: "value", hint: "URL", about: "where ended tasks are remembered (default: the broker)" },
  schedules: { kind: "value", hint: "URL", about: "where schedules live (default: the broker)" },
  namespace: { kind: "value", hint: "NAME", about: "keeps installations on one store apart (default: stem)" },
  "connect-timeout": {
    kind: "value",
    hint: "5s",
    about: "how long a connection attempt may take (default: 5s)",
  },
  "tls-ca": { kind: "value", hint: "FILE", about: "certificates to trust (PEM), in place of the system's" },
  "tls-cert": {
    kind: "value",
    hint: "FILE",
    about: "our own certificate (PEM), for servers that ask for one",
  },
  "tls-key": { kind: "value", hint: "FILE", about: "the key (PEM) of our own certificate" },
  "log-level": {
    kind: "value",
    hint: "LEVEL",
    about: "the least important line shown on stderr",
    choices: ["debug", "info", "warn", "error", "silent"],
  },
  "log-format": {
    kind: "value",
    hint: "FORMAT",
    about: "how lines on stderr are written",
    choices: ["pretty", "json"],
  },
  events: {
    kind: "value",
    hint: "BOOL",
    about: "tell in the store what is done, for `stem events` (default: true)",
    choices: ["true", "false"],
  },
} as const satisfies Flags

/** Commands that keep what they send, or deliver what was kept. */
export const SPOOL_FLAG = {
  spool: {
    kind: "optional",
    hint: "PATH",
    about: "keep here what is enqueued while the store is away (default: spool.db in the state folder)",
  },
} as const satisfies Flags

/** Commands that print records. */
export const OUTPUT_FLAG = {
  output: {
    kind: "value",
    short: "o",
    hint: "FORMAT",
    about: "table, json (one document), ndjson (one object a line) or name (ids only)",
    choices: ["table", "json", "ndjson", "name"],
  },
} as const satisfies Flags

export const TIME_FLAG = {
  time: {
    kind: "value",
    hint: "FORM",
    about: "times in tables: relative or iso",
    choices: ["relative", "iso"],
  },
} as const satisfies Flags

export const WATCH_FLAG = {
  watch: { kind: "optional", hint: "2s", about: "show it again and again (default: every 2s)" },
} as const satisfies Flags

export const BULK_FLAGS = {
  "dry-run": { kind: "switch", about: "only tell what would be done" },
  yes: { kind: "switch", short: "y", about: "do it without asking" },
} as const satisfies Flags
