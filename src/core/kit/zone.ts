const known = new Map<string, boolean>()

/** Whether the zone database that runs this has such a zone. Bare offsets such as `+02:00` are no zones. */
export function isZone(name: string): boolean {
  let is = known.get(name)
  if (is === undefined) {
    is = /^[A-Za-z]/.test(name) && opens(name)
    if (known.size < 1000) known.set(name, is)
  }
  return is
}

function opens(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name })
    return true
  } catch {
    return false
  }
}
