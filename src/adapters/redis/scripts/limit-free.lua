#!lua flags=allow-oom
-- Gives slots back, or puts tasks into lines, and hands on what is free. ARGV: now, the end of what is handed, the
-- rule's FORGOTTEN, how many keys, and of each its name and how many slots it has; then either "free" and of each slot
-- the place of its key, id and token, or "park" and of each task the place of its key, id and when it looks.
-- Answers key and id of each slot that was handed on.
local now, till, forgotten, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function key_of(place) return ARGV[3 + 2 * tonumber(place)] end
local first = 5 + 2 * count
local parks = ARGV[first] == 'park'
if parks then
  for i = 1, count do drop_ended(key_of(i), now) end
end
for i = first + 1, #ARGV, 3 do
  local key, id, number = key_of(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  if parks then
    if not call('ZSCORE', P .. 'slots:' .. key, id) then
      call('ZADD', P .. 'line:' .. key, number, id)
      call('PEXPIRE', P .. 'line:' .. key, DAY)
    end
  elseif call('HGET', P .. 'holders:' .. key, id) == number then
    call('HDEL', P .. 'holders:' .. key, id)
    call('ZREM', P .. 'slots:' .. key, id)
  end
end
local answer = {}
for i = 1, count do hand(answer, key_of(i), tonumber(ARGV[4 + 2 * i]), now, till, forgotten) end
return answer
