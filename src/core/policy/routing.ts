/** One line of `[routing]`: tasks whose name fits go to this queue, with this priority. */
export interface RoutingRule {
  /** A task's name, in which `*` is any run of characters and `?` any one. */
  readonly pattern: string
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  readonly from: Origin
}

/** Where something stands, as people are told: in `stem.toml`, as `routing."image.*"`. */
export interface Origin {
  readonly file: string
  readonly key: string
}

/** Another name of a queue. */
export interface QueueAlias {
  readonly alias: string
  readonly queue: string
  readonly from: Origin
}

/** What stem.toml says of where tasks go. Of the rules the first that fits counts, of aliases the first of a name. */
export interface Routing {
  readonly rules: readonly RoutingRule[]
  readonly aliases: readonly QueueAlias[]
}

/** Nothing is said: tasks go where their senders and definitions say. */
export const NO_ROUTING: Routing = Object.freeze({ rules: [], aliases: [] })

/** A task that is to be sent, and what was said of where. */
export interface RouteAsk {
  readonly task: string
  /** The sender's own word. */
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  /** What the task's definition says, where it is known. */
  readonly defaults?:
    | { readonly queue?: string | undefined; readonly priority?: number | undefined }
    | undefined
}

/** Where it goes. */
export interface Route {
  readonly queue: string
  readonly priority: number
}

/** The same, with the reasons in words for people. */
export interface RouteReasons extends Route {
  readonly queueFrom: string
  readonly priorityFrom: string
}

/** Decides where tasks go. The same ask is always answered in the same way. */
export interface Router {
  readonly routing: Routing
  /**
   * The sender's word, then the first rule that fits, then the definition, then the default. What the first rule is
   * silent about no other rule says.
   */
  route(ask: RouteAsk): Route
  explain(ask: RouteAsk): RouteReasons
  /** The queue that a name means: an alias its queue, any other name itself. */
  queue(name: string): string
}

/** Priority of a task about which nobody said anything. */
export const DEFAULT_PRIORITY = 5
/** Queue of a task about which nobody said anything. */
export const DEFAULT_QUEUE = "default"

/** How many tasks' rules are remembered; names come from senders, so there may be any number of them. */
const REMEMBERED = 1000

/** A router of these rules. */
export function createRouter(routing: Routing): Router {
  const rules = routing.rules.map((rule) => ({ ...rule, fits: globOf(rule.pattern) }))
  const aliases = new Map<string, QueueAlias>()
  for (const one of routing.aliases) if (!aliases.has(one.alias)) aliases.set(one.alias, one)
  const known = new Map<string, RoutingRule | undefined>()

  function ruleOf(task: string): RoutingRule | undefined {
    if (rules.length === 0) return undefined
    if (known.has(task)) return known.get(task)
    const found = rules.find(({ fits }) => fits.test(task))
    if (known.size >= REMEMBERED) known.clear()
    known.set(task, found)
    return found
  }

  const queue = (name: string) => aliases.get(name)?.queue ?? name
  const route = (ask: RouteAsk): Route => {
    const rule = ruleOf(ask.task)
    const { defaults } = ask
    return {
      queue: queue(ask.queue ?? rule?.queue ?? defaults?.queue ?? DEFAULT_QUEUE),
      priority: ask.priority ?? rule?.priority ?? defaults?.priority ?? DEFAULT_PRIORITY,
    }
  }

  return {
    routing,
    queue,
    route,
    explain(ask) {
      const rule = ruleOf(ask.task)
      const named = ask.queue ?? rule?.queue ?? ask.defaults?.queue ?? DEFAULT_QUEUE
      const alias = aliases.get(named)
      const from = (what: "queue" | "priority") =>
        ask[what] !== undefined
          ? "the sender"
          : rule?.[what] !== undefined
            ? textOf(rule.from)
            : ask.defaults?.[what] !== undefined
              ? "the task's definition"
              : "the default"
      const meant = alias ? `; "${named}" is another name of it (${textOf(alias.from)})` : ""
      return { ...route(ask), queueFrom: `${from("queue")}${meant}`, priorityFrom: from("priority") }
    },
  }
}

const textOf = ({ file, key }: Origin) => `${file}: ${key}`

/** `*` is any run of characters, `?` any one; everything else is itself. */
function globOf(pattern: string): RegExp {
  const parts = [...pattern].map((letter) =>
    letter === "*" ? ".*" : letter === "?" ? "." : letter.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"),
  )
  return new RegExp(`^${parts.join("")}$`, "su")
}
