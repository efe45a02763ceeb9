/** Freezes plain data all the way down, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const key in value) {
    const inner = value[key]
    if (typeof inner === "object" && inner !== null) deepFreeze(inner)
  }
  return value
}
