import type { Command, Entry } from "./shell/command.ts"

/** Every command, by name. A command is loaded when it is run or asked about, never before. */
export const ROOT: Entry = {
  about: "background jobs in one executable",
  children: {
    worker: { about: "run tasks", load: () => import("./worker.ts") },
    run: { about: "put a command on a queue", load: () => import("./run.ts") },
    logs: { about: "show what a command has written", load: () => import("./logs.ts") },
    enqueue: { about: "put a task, or a file of tasks, on a queue", load: () => import("./enqueue.ts") },
    canvas: {
      about: "work that is composed: chains, groups and chords",
      children: { run: { about: "put a flow on its queues", load: () => import("./canvas/run.ts") } },
    },
    result: { about: "show what became of a task", load: () => import("./result.ts") },
    cancel: { about: "end waiting tasks, and ask running ones to stop", load: () => import("./cancel.ts") },
    hasten: { about: "make waiting tasks due now", load: () => import("./hasten.ts") },
    inspect: {
      about: "look into the store: queues, workers and tasks",
      load: () => import("./inspect/overview.ts"),
      children: {
        queues: { about: "what each queue holds", load: () => import("./inspect/queues.ts") },
        workers: { about: "who is working", load: () => import("./inspect/workers.ts") },
        tasks: { about: "tasks, waiting, running and ended", load: () => import("./inspect/tasks.ts") },
        task: { about: "everything known of one task", load: () => import("./inspect/task.ts") },
        groups: { about: "groups of tasks, and how far they are", load: () => import("./inspect/groups.ts") },
        group: { about: "the tree of one group", load: () => import("./inspect/group.ts") },
        schedules: { about: "what fires when", load: () => import("./inspect/schedules.ts") },
        routing: {
          about: "where a task would go, and why",
          load: () => import("./inspect/routing.ts"),
        },
        registered: {
          about: "the tasks that a module defines",
          load: () => import("./inspect/registered.ts"),
        },
      },
    },
    events: { about: "what happened, and what happens", load: () => import("./events.ts") },
    top: { about: "queues, workers, rates and what runs, live", load: () => import("./top.ts") },
    queue: {
      about: "pause, resume and empty queues",
      children: {
        pause: { about: "let nothing more be taken from a queue", load: () => import("./queue/pause.ts") },
        resume: { about: "let a paused queue go on", load: () => import("./queue/resume.ts") },
        purge: { about: "cancel every waiting task of a queue", load: () => import("./queue/purge.ts") },
      },
    },
    control: {
      about: "tell workers what to do, and hear what each answers",
      children: {
        ping: { about: "ask workers whether they are there", load: () => import("./control/ping.ts") },
        stats: { about: "ask workers what they do", load: () => import("./control/stats.ts") },
        quiet: { about: "let workers take nothing new, and stay", load: () => import("./control/quiet.ts") },
        resume: { about: "let quiet workers take work again", load: () => import("./control/resume.ts") },
        stop: { about: "let workers finish, and leave", load: () => import("./control/stop.ts") },
        resize: {
          about: "change how many tasks workers run at once",
          load: () => import("./control/resize.ts"),
        },
        reload: { about: "let workers read their modules anew", load: () => import("./control/reload.ts") },
        cancel: { about: "stop a running task now", load: () => import("./control/cancel.ts") },
      },
    },
    dlq: {
      about: "dead letters: tasks that failed for good",
      children: {
        list: { about: "show dead letters, or group them by error", load: () => import("./dlq/list.ts") },
        show: { about: "everything known of one dead letter", load: () => import("./dlq/show.ts") },
        replay: { about: "put dead letters back on their queues", load: () => import("./dlq/replay.ts") },
        purge: { about: "forget dead letters for good", load: () => import("./dlq/purge.ts") },
      },
    },
    spool: {
      about: "what was kept on this machine while the store was away",
      children: {
        status: { about: "how much is kept, and for which store", load: () => import("./spool/status.ts") },
        flush: { about: "deliver what is kept", load: () => import("./spool/flush.ts") },
      },
    },
    beat: { about: "fire schedules; any number may run", load: () => import("./beat.ts") },
    schedule: {
      about: "what fires when",
      children: {
        list: { about: "all schedules", load: () => import("./schedule/list.ts") },
        show: { about: "everything known of one schedule", load: () => import("./schedule/show.ts") },
        add: { about: "store a schedule, or edit it", load: () => import("./schedule/add.ts") },
        remove: { about: "remove schedules with their history", load: () => import("./schedule/remove.ts") },
        pause: { about: "let a schedule fire no more", load: () => import("./schedule/pause.ts") },
        resume: { about: "let a paused schedule go on", load: () => import("./schedule/resume.ts") },
        run: { about: "fire a schedule now, once", load: () => import("./schedule/run.ts") },
        next: {
          about: "the next instants of a schedule, stored or not",
          load: () => import("./schedule/next.ts"),
        },
        history: { about: "what a schedule has done", load: () => import("./schedule/history.ts") },
        backfill: {
          about: "fire the instants of a time that has passed",
          load: () => import("./schedule/backfill.ts"),
        },
        import: { about: "take over the jobs of crontabs", load: () => import("./schedule/import.ts") },
        export: { about: "write schedules as a crontab", load: () => import("./schedule/export.ts") },
        lint: { about: "find bad schedules and odd instants", load: () => import("./schedule/lint.ts") },
      },
    },
    init: { about: "write a first task module", load: () => import("./init.ts") },
    config: {
      about: "show every setting and where its value came from",
      load: () => import("./config.ts"),
    },
    doctor: { about: "find what can hurt, with its fix", load: () => import("./doctor.ts") },
    health: { about: "answer quickly whether the store can be used", load: () => import("./health.ts") },
    migrate: { about: "bring the store's schema up to date", load: () => import("./migrate.ts") },
    bench: { about: "measure this store on this machine", load: () => import("./bench.ts") },
    completions: { about: "completions for your shell", load: () => import("./completions.ts") },
    version: { about: "show the version", load: () => import("./version.ts") },
    __minder: {
      about: "the child process that minds a command",
      hidden: true,
      load: () => import("./minder.ts"),
    },
    __isolate: {
      about: "the child process that runs tasks",
      hidden: true,
      load: () => import("./isolate.ts"),
    },
  },
}

/** What `stem --help` and the help of a group begin with. */
export const EXAMPLES: Readonly<Record<string, Command["examples"]>> = {
  "": [
    ["stem init", "write tasks.ts, a first task module"],
    ["stem worker ./tasks.ts", "run its tasks"],
    ["stem enqueue hello name=World --wait", "run one, and print its result"],
    ["stem inspect", "see queues and workers"],
    ["stem dlq replay --all", "run again what failed for good"],
  ],
  queue: [
    ["stem queue pause emails", "take nothing more from the queue"],
    ["stem queue resume emails", "go on"],
    ["stem queue purge emails --dry-run", "tell how many tasks a purge would cancel"],
  ],
  canvas: [
    ["stem canvas run flow.json", "a flow from a file"],
    ["stem enqueue extract --then transform --then load", "a chain without one"],
  ],
  control: [
    ["stem control ping", "does every worker answer?"],
    ["stem control resize 16 box-7", "sixteen tasks at once in this one"],
    ["stem control stop box-7", "it finishes what it runs, and leaves"],
  ],
  spool: [
    ["stem spool status", "what waits here for its store"],
    ["stem spool flush", "deliver it now; exit 69 when the store is still away"],
  ],
  schedule: [
    [`stem schedule add nightly --cron "0 3 * * *" --task report`, "every night at three, UTC"],
    ["stem schedule list", "what fires when"],
    ["crontab -l | stem schedule import -", "take over your crontab"],
  ],
  dlq: [
    ["stem dlq list --group", "what fails, by kind of error"],
    ["stem dlq replay --task image.resize --canary 3", "try three first, then the rest"],
  ],
}
