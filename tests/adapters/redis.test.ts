import { examine } from "../conformance/driver.ts"
import { openForExam } from "../support/redis-store.ts"

examine({ name: "redis", open: () => openForExam() })
