/** The keeper process of the tests: what the executable's hidden sub-command is in a real one. */
import { keeperMain } from "../../src/runtime/shell/keeper.ts"

await keeperMain()
