#!lua flags=allow-oom
-- Removes the oldest batches of events. ARGV: how many events to keep, before, how many batches at most. Answers how
-- many events went. A batch comes whole when it is looked at, so few are looked at together.
local stream, books, few = P .. 'events', P .. 'events:books', 8
local kept, left = tonumber(call('HGET', books, 'kept') or '0'), tonumber(ARGV[3])
local removed, last = 0, nil
local over = false
while left > 0 and not over do
  local list = call('XRANGE', stream, last and '(' .. last or '-', '+', 'COUNT', few)
  over = #list < few
  for _, entry in ipairs(list) do
    if kept <= tonumber(ARGV[1]) and tonumber(match(entry[1], '^%d+')) >= tonumber(ARGV[2]) then
      over = true
      break
    end
    local count = tonumber(entry[2][2])
    kept, removed, last, left = kept - count, removed + count, entry[1], left - 1
  end
end
if not last then return 0 end
local ms, seq = match(last, '^(%d+)-(%d+)$')
call('XTRIM', stream, 'MINID', ms .. '-' .. format('%.0f', seq + 1))
call('HSET', books, 'kept', kept, 'trimmed', last)
return removed
