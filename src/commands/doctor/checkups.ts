import type { Driver, Finding } from "../../core/contracts/driver.ts"

/**
 * What the stores find. Of two on one server each says the same of it: that is told once. Of two servers it is told
 * which of them is meant.
 */
export async function checkStores(
  drivers: readonly Pick<Driver, "url" | "checkup">[],
): Promise<readonly Finding[]> {
  const servers = new Set(drivers.map(({ url }) => serverOf(url)))
  const told = new Map<string, Finding>()
  for (const driver of drivers)
    for (const finding of await driver.checkup()) {
      const server = serverOf(driver.url)
      const what = [server, finding.level, finding.subject, finding.fix ?? finding.message].join("\n")
      if (told.has(what)) continue
      const named = servers.size === 1 || finding.message.includes(server)
      told.set(what, named ? finding : { ...finding, message: `${server}: ${finding.message}` })
    }
  return [...told.values()]
}

/** `redis://host:6379`, whoever asks and whatever part of it is used; of a file the whole URL. */
const serverOf = (url: string): string => {
  const [, scheme, place] = /^([a-z+]+:\/\/)(?:.*@)?([^/?]+)/is.exec(url) ?? []
  return scheme && place ? scheme + place : url
}
