#!lua
-- Adds a batch of events. ARGV: now, how many, batch. Answers how many events are kept. Its id is the caller's time;
-- where another's was ahead, the latest there is goes on counting.
local stream, books = P .. 'events', P .. 'events:books'
local ms = format('%.0f', ARGV[1])
local added = redis.pcall('XADD', stream, ms .. '-*', 'n', ARGV[2], 'b', ARGV[3])
if type(added) == 'table' and added.err then
  local info = call('XINFO', 'STREAM', stream)
  local last
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
  call('XADD', stream, match(last, '^%d+') .. '-*', 'n', ARGV[2], 'b', ARGV[3])
end
if call('DEL', P .. 'events:asleep') == 1 then call('SPUBLISH', P .. 'wake', 'e') end
return call('HINCRBY', books, 'kept', ARGV[2])
