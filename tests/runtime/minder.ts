/** The minder process of the tests: what the executable's hidden sub-command is in a real one. */
import { minderMain } from "../../src/runtime/shell/minder.ts"

await minderMain()
