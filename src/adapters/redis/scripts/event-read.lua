#!lua flags=allow-oom
-- Reads batches of events from an id on, with it; or, backward, from it down. ARGV: id, how many, 1 for backward.
-- Answers the latest id that was removed, the latest there ever was, then id and batch, and so on.
local stream = P .. 'events'
local trimmed = call('HGET', P .. 'events:books', 'trimmed') or '0-0'
local last = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local list
if ARGV[3] == '1' then
  list = call('XREVRANGE', stream, ARGV[1], '-', 'COUNT', ARGV[2])
else
  list = call('XRANGE', stream, ARGV[1], '+', 'COUNT', ARGV[2])
end
local answer = { trimmed, last and last[1] or trimmed }
for _, entry in ipairs(list) do
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][4]
end
return answer
