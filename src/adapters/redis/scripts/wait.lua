#!lua flags=allow-oom
-- Looks before sleeping. ARGV: now, queues. Answers when the next waiting task of those that are not paused is or was
-- due, or ''. When none is due now, the queues are marked: the next task stored in one of them wakes whoever sleeps.
local least = ''
for _, queue in ipairs(open_queues(2)) do least = next_due(queue, least) end
if least == '' or tonumber(least) > tonumber(ARGV[1]) then
  for i = 2, #ARGV do call('SADD', P .. 'asleep', ARGV[i]) end
end
return least
