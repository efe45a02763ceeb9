/**
 * The other side of child.ts, for Bun and for Node: `bun bench/child-main.mjs MODULE METHOD [JSON argument …]` calls
 * what the module exports under that name (`fill`, `system.drain`) and writes the answer as the last line of stdout.
 */
import { pathToFileURL } from "node:url"

const [module = "", method = "", ...args] = process.argv.slice(2)
let call = await import(pathToFileURL(module).href)
for (const name of method.split(".")) call = call[name]
const answer = await call(...args.map((arg) => JSON.parse(arg)))
console.log(`answer: ${JSON.stringify(answer ?? null)}`)
process.exit(0)
