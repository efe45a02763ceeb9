import type { Failure } from "../../core/task/failure.ts"

/** `TypeError: x is not a function`, `ENOENT: no such file`: a code says more than a name, and no label stands twice. */
export function failureText({ name, code, message }: Failure): string {
  const label = code ?? name
  return message.startsWith(`${label}:`) ? message : `${label}: ${message}`
}
