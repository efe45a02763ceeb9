import { examine } from "../conformance/driver.ts"
import { openOnManualClock, redisStore } from "../support/redis-store.ts"

examine({
  name: "redis",
  async open() {
    const store = redisStore()
    const opened = await openOnManualClock(store)
    const damage = async (id: string, text: string) =>
      void (await store.behind((redis) => redis.hset(`${store.prefix}tasks`, id, text)))
    return { ...opened, again: () => store.open(opened.clock), damage, close: store.remove }
  },
})
