import type { TaskDefinition } from "./define.ts"
import type { EnqueueOptions } from "./options.ts"

/** What a definition says of doubles and turns, for this input. */
export function shapeOf(
  { unique, fair }: Pick<TaskDefinition, "unique" | "fair">,
  input: unknown,
): Pick<EnqueueOptions, "unique" | "fair"> {
  return {
    ...(unique && { unique: typeof unique === "object" ? keyed(unique, input) : true }),
    ...(fair && { fair: fair(input) }),
  }
}

/** The same of a step whose input is a result that is yet to come: no key can be made of it. */
export const inputless = ({
  unique,
}: Pick<TaskDefinition, "unique">): Pick<TaskDefinition, "unique" | "fair"> => ({
  ...{ unique: Boolean(unique), fair: undefined },
})

const keyed = ({ key, ...rest }: Exclude<TaskDefinition["unique"], boolean | undefined>, input: unknown) => ({
  ...rest,
  ...(key && { key: key(input) }),
})
