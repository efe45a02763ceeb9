import { tmpdir } from "node:os"
import { join } from "node:path"

/** Where the services live on this machine: the same for every run, so that a second one finds what the first left. */
export const FOLDER = join(tmpdir(), `stem-services-${process.getuid?.() ?? 0}`)
export const CERTIFICATES = join(FOLDER, "certificates")

const redis = (port: number) => `redis://127.0.0.1:${port}`
const postgres = (port: number) => `postgresql://postgres:postgres@127.0.0.1:${port}/stem_test`

/** What tests are told, by environment variable, and on which port each service listens. */
export const SERVICES = {
  redis: { port: 56379, variable: "STEM_TEST_REDIS_URL", url: redis(56379) },
  "redis-tls": { port: 56380, variable: "STEM_TEST_REDIS_TLS_URL", url: "rediss://127.0.0.1:56380" },
  "redis-small": { port: 56381, variable: "STEM_TEST_REDIS_SMALL_URL", url: redis(56381) },
  postgres: { port: 65432, variable: "STEM_TEST_POSTGRES_URL", url: postgres(65432) },
  "postgres-tls": {
    port: 65432,
    variable: "STEM_TEST_POSTGRES_TLS_URL",
    url: `${postgres(65432)}?sslmode=verify-full`,
  },
  pgbouncer: { port: 65434, variable: "STEM_TEST_PGBOUNCER_URL", url: postgres(65434) },
} as const
export type ServiceName = keyof typeof SERVICES

/** The certificate of the authority that signed those of the TLS services. */
export const CA_VARIABLE = "STEM_TEST_TLS_CA"
