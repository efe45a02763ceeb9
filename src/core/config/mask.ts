const SECRET = /pass|secret|token|key/i

/**
 * A URL as it may be shown: its password, and query parameters that look like secrets, are `***`. A password that was
 * not encoded may hold any mark; all up to the last `@` is taken for it, for too much hidden harms nobody.
 */
export function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)(.*)@/is, (_, scheme: string, user: string) =>
      user.includes(":") ? `${scheme}${user.slice(0, user.indexOf(":"))}:***@` : `${scheme}${user}@`,
    )
    .replace(/([?&])([^=&#]+)=([^&#]*)/g, (whole, mark: string, name: string) =>
      SECRET.test(name) ? `${mark}${name}=***` : whole,
    )
}

/**
 * Which store a URL means, whoever asks: without user and password, and with its secrets masked. Two URLs of one
 * store that differ in credentials alone are the same here.
 */
export const placeOf = (url: string): string => maskUrl(url).replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, "$1")
