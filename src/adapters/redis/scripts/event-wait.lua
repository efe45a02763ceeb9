#!lua flags=allow-oom
-- Looks before sleeping. ARGV: id, and 1 when all of its batch is known. Answers 1 when there is more; else marks that
-- somebody sleeps, whom the next batch wakes.
local last = call('XREVRANGE', P .. 'events', '+', ARGV[1], 'COUNT', 1)[1]
if last and (ARGV[2] == '0' or last[1] ~= ARGV[1]) then return 1 end
call('SET', P .. 'events:asleep', '1', 'PX', 3600000)
return 0
