import * as v from "valibot"
import { Name } from "../../core/task/envelope.ts"
import { usage } from "../shell/exit.ts"

/** The queue an operand names. */
export function queueName([name]: readonly string[]): string {
  if (v.is(Name, name)) return name
  throw usage(`"${name}" is not a queue's name`, "Names are 1 to 100 letters, digits and . _ : / - .")
}
