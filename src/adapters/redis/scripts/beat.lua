#!lua flags=allow-oom
-- Writes a worker's presence, and forgets those that were not renewed. ARGV: now, id, until, presence; or now, id for
-- a worker that has left. Consumers of the forgotten that hold nothing are removed from the groups. A key that nobody
-- renews for a day is gone.
local gone = call('ZRANGE', P .. 'workers:until', '-inf', ARGV[1], 'BYSCORE')
if ARGV[3] then
  call('HSET', P .. 'workers', ARGV[2], ARGV[4])
  call('ZADD', P .. 'workers:until', ARGV[3], ARGV[2])
  call('PEXPIRE', P .. 'workers', 86400000)
  call('PEXPIRE', P .. 'workers:until', 86400000)
else
  gone[#gone + 1] = ARGV[2]
end
for _, id in ipairs(gone) do
  if id ~= ARGV[2] or not ARGV[3] then
    call('HDEL', P .. 'workers', id)
    call('ZREM', P .. 'workers:until', id)
    for _, queue in ipairs(call('SMEMBERS', P .. 'queues')) do
      local stream = P .. 'running:' .. queue
      local pending = redis.pcall('XPENDING', stream, 'stem', '-', '+', 1, id)
      if not pending.err and #pending == 0 then call('XGROUP', 'DELCONSUMER', stream, 'stem', id) end
    end
  end
end
return #gone
