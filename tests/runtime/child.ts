/** What these tests start as an isolate: the same as the executable's hidden sub-command. */
import { becomeIsolate } from "../../src/stem.ts"

await becomeIsolate()
