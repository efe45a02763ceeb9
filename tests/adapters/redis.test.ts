import { examine } from "../conformance/driver.ts"
import { openOnManualClock, redisStore } from "../support/redis-store.ts"

examine({
  name: "redis",
  async open() {
    const store = redisStore()
    const opened = await openOnManualClock(store)
    const damage = async (id: string, text: string) =>
      store.behind(async (redis) => {
        const task = (await redis.hget(`${store.prefix}tasks`, id)) ?? ""
        await redis.hset(`${store.prefix}tasks`, id, task.slice(0, task.indexOf("{")) + text)
      })
    return { ...opened, again: () => store.open(opened.clock), damage, close: store.remove }
  },
})
