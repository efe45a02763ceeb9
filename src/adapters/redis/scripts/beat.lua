#!lua flags=allow-oom
-- Writes a worker's presence, and forgets those that were not renewed. ARGV: now, id, until, presence; or now, id for
-- a worker that has left. Consumers that hold nothing and have no presence are removed from the group. A key that
-- nobody renews for a day is gone.
local hash, ends = P .. 'workers', P .. 'workers:until'
local gone = call('ZRANGE', ends, '-inf', ARGV[1], 'BYSCORE')
if not ARGV[3] then gone[#gone + 1] = ARGV[2] end
if #gone > 0 then
  call('HDEL', hash, unpack(gone))
  call('ZREM', ends, unpack(gone))
end
if ARGV[3] then
  call('HSET', hash, ARGV[2], ARGV[4])
  call('ZADD', ends, ARGV[3], ARGV[2])
  call('PEXPIRE', hash, 86400000)
  call('PEXPIRE', ends, 86400000)
end
local consumers = redis.pcall('XINFO', 'CONSUMERS', P .. 'running', 'stem')
for _, consumer in ipairs(consumers.err and {} or consumers) do
  local name, pending = consumer[2], consumer[4]
  if pending == 0 and call('HEXISTS', hash, name) == 0 then call('XGROUP', 'DELCONSUMER', P .. 'running', 'stem', name) end
end
return #gone
