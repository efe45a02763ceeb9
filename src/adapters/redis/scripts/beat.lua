#!lua flags=allow-oom
-- Writes a worker's presence, and forgets those that were not renewed for long. ARGV: now, id, forget those before,
-- until, presence; or now, id for a worker that has left. Answers the commands that have come for it, by id, each
-- once. Consumers that hold nothing and have no presence are removed from the group. A key that nobody renews for a
-- day is gone.
local hash, ends, mail = P .. 'workers', P .. 'workers:until', P .. 'mail:' .. ARGV[2]
local gone = ARGV[3] and call('ZRANGE', ends, '-inf', ARGV[3], 'BYSCORE') or { ARGV[2] }
if #gone > 0 then
  call('HDEL', hash, unpack(gone))
  call('ZREM', ends, unpack(gone))
end
local ids, letters = {}, {}
local posted = call('HGETALL', mail)
if #posted > 0 then call('DEL', mail) end
if ARGV[3] then
  call('HSET', hash, ARGV[2], ARGV[5])
  call('ZADD', ends, ARGV[4], ARGV[2])
  call('PEXPIRE', hash, 86400000)
  call('PEXPIRE', ends, 86400000)
  for i = 1, #posted, 2 do
    local till, command = match(posted[i + 1], '^(%S+) (.*)$')
    if tonumber(till) > tonumber(ARGV[1]) then
      ids[#ids + 1] = posted[i]
      letters[posted[i]] = command
    end
  end
end
local consumers = redis.pcall('XINFO', 'CONSUMERS', P .. 'running', 'stem')
for _, consumer in ipairs(consumers.err and {} or consumers) do
  local name, pending = consumer[2], consumer[4]
  if pending == 0 and call('HEXISTS', hash, name) == 0 then call('XGROUP', 'DELCONSUMER', P .. 'running', 'stem', name) end
end
table.sort(ids)
for i, id in ipairs(ids) do ids[i] = letters[id] end
return ids
