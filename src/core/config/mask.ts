const SECRET = /pass|secret|token|key/i

/** A URL as it may be shown: its password, and query parameters that look like secrets, are `***`. */
export function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i, (_, scheme: string, user: string) =>
      user.includes(":") ? `${scheme}${user.slice(0, user.indexOf(":"))}:***@` : `${scheme}${user}@`,
    )
    .replace(/([?&])([^=&#]+)=([^&#]*)/g, (whole, mark: string, name: string) =>
      SECRET.test(name) ? `${mark}${name}=***` : whole,
    )
}
