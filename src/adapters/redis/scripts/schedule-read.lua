#!lua flags=no-writes
-- Schedules as they are. ARGV: names. Answers for each seven texts, '' for none: definition, next, held, failures,
-- rest, since when it is paused, and why.
local answer = {}
for _, name in ipairs(ARGV) do
  local parts =
    call('HMGET', P .. 'schedule:' .. name, 'definition', 'next', 'held', 'failures', 'rest', 'paused', 'why')
  for i = 1, 7 do answer[#answer + 1] = parts[i] or '' end
end
return answer
