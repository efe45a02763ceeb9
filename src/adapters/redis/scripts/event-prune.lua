#!lua flags=allow-oom
-- Removes the oldest batches of events. ARGV: how many events to keep, before, how many batches at most. Answers how
-- many events went.
local stream, books = P .. 'events', P .. 'events:books'
local kept = tonumber(call('HGET', books, 'kept') or '0')
local removed, last = 0, nil
for _, entry in ipairs(call('XRANGE', stream, '-', '+', 'COUNT', ARGV[3])) do
  if kept <= tonumber(ARGV[1]) and tonumber(match(entry[1], '^%d+')) >= tonumber(ARGV[2]) then break end
  local count = tonumber(entry[2][2])
  kept, removed, last = kept - count, removed + count, entry[1]
end
if not last then return 0 end
local ms, seq = match(last, '^(%d+)-(%d+)$')
call('XTRIM', stream, 'MINID', ms .. '-' .. format('%.0f', seq + 1))
call('HSET', books, 'kept', kept, 'trimmed', last)
return removed
