import * as v from "valibot"
import { invalid, StemError } from "../../core/kit/errors.ts"
import { Name } from "../../core/task/envelope.ts"
import {
  chain,
  chord,
  chunks,
  type Flow,
  type GroupOptions,
  group,
  map,
  type Step,
  type StepOptions,
  step,
} from "../../core/task/flow.ts"
import { readLine } from "../enqueue/options.ts"

/** What a flow's text may be, for messages and documents. */
export const SHAPES = ["task", "chain", "group", "chord", "map", "chunks"] as const
const GROUP_FIELDS = ["id", "tolerate", "broken"]

/**
 * Reads a flow from JSON: `"name"`, `{ "task": …, "input": …, … }`, `{ "chain": […] }`, `{ "group": […] }`,
 * `{ "chord": […], "body": … }`, `{ "map": "name", "over": […] }` or `{ "chunks": "name", "over": […], "size": … }`, nested
 * as you like. Throws `malformed_flow` naming the place, such as `chain[1].group[0]`.
 */
export function readFlow(value: unknown, place = ""): Flow {
  if (typeof value === "string") return readStep({ task: value }, place)
  const fields = fieldsOf(value, place)
  const shapes = SHAPES.filter((shape) => shape in fields)
  const [shape] = shapes
  if (!shape || shapes.length > 1) throw wrong(place, `it has to have one of ${SHAPES.join(", ")}`)
  switch (shape) {
    case "task":
      return readStep(fields, place)
    case "chain":
      allow(fields, ["chain"], place)
      return chain(...listOf(fields, "chain", place))
    case "group":
      allow(fields, ["group", ...GROUP_FIELDS], place)
      return group(listOf(fields, "group", place), groupOptions(fields, place))
    case "chord":
      allow(fields, ["chord", "body", ...GROUP_FIELDS], place)
      if (fields.body === undefined) throw wrong(place, "a chord has a body")
      return chord(
        listOf(fields, "chord", place),
        readFlow(fields.body, at(place, "body")),
        groupOptions(fields, place),
      )
    case "map":
      allow(fields, ["map", "over", "each", ...GROUP_FIELDS], place)
      return map(nameIn(fields, "map", place), over(fields, place), options(fields, place))
    case "chunks":
      allow(fields, ["chunks", "over", "size", "each", ...GROUP_FIELDS], place)
      return chunks(
        nameIn(fields, "chunks", place),
        over(fields, place),
        sizeIn(fields, place),
        options(fields, place),
      )
  }
}

type Fields = Readonly<Record<string, unknown>>

function readStep(fields: Fields, place: string): Step {
  const { merge, ...line } = fields
  if (merge !== undefined && merge !== true && typeof merge !== "string")
    throw wrong(at(place, "merge"), "it is true, or the name of a field")
  const { task, input, options } = inPlace(place, () => readLine(line))
  for (const [field, name] of [["task", task] as const, ["queue", options.queue] as const])
    if (name !== undefined && !v.is(Name, name))
      throw wrong(at(place, field), `${JSON.stringify(name)} is not a valid name`)
  return step(task as string, input, { ...options, ...(merge !== undefined && { merge }) })
}

const options = (fields: Fields, place: string): GroupOptions & { each?: StepOptions } => ({
  ...groupOptions(fields, place),
  ...(fields.each !== undefined && {
    each:
      readStep({ task: "each", ...fieldsOf(fields.each, at(place, "each")) }, at(place, "each")).options ??
      {},
  }),
})

function groupOptions({ id, tolerate, broken }: Fields, place: string): GroupOptions {
  if (id !== undefined && typeof id !== "string") throw wrong(at(place, "id"), "it is not a text")
  if (tolerate !== undefined && !(Number.isInteger(tolerate) && (tolerate as number) >= 0))
    throw wrong(at(place, "tolerate"), "it is not a whole number")
  const callback = broken === undefined ? undefined : readFlow(broken, at(place, "broken"))
  if (callback && callback.kind !== "task") throw wrong(at(place, "broken"), "it is one task")
  return {
    ...(id !== undefined && { id }),
    ...(tolerate !== undefined && { tolerate: tolerate as number }),
    ...(callback && { broken: callback as Step }),
  }
}

const listOf = (fields: Fields, name: string, place: string): readonly Flow[] =>
  arrayIn(fields, name, place).map((one, index) => readFlow(one, `${at(place, name)}[${index}]`))

function sizeIn({ size }: Fields, place: string): number {
  if (Number.isInteger(size) && (size as number) >= 1) return size as number
  throw wrong(at(place, "size"), "it is not a whole number from 1 on")
}

const over = (fields: Fields, place: string) => arrayIn(fields, "over", place)

function arrayIn(fields: Fields, name: string, place: string): readonly unknown[] {
  const list = fields[name]
  if (Array.isArray(list)) return list
  throw wrong(at(place, name), "it is not a list")
}

function nameIn(fields: Fields, name: string, place: string): string {
  const value = fields[name]
  if (typeof value === "string") return value
  throw wrong(at(place, name), "it is not the name of a task")
}

function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields
  throw wrong(place, "it is neither the name of a task nor an object")
}

function allow(fields: Fields, known: readonly string[], place: string): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name))
  if (unknown !== undefined) throw wrong(at(place, unknown), `no such field; there are ${known.join(", ")}`)
}

function inPlace<T>(place: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StemError) throw wrong(place, error.message, error.hint)
    throw error
  }
}

const at = (place: string, name: string) => (place === "" ? name : `${place}.${name}`)

const wrong = (place: string, what: string, hint?: string) =>
  invalid("malformed_flow", place === "" ? `the flow: ${what}` : `the flow, at ${place}: ${what}`, hint)
