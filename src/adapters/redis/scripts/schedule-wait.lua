#!lua flags=allow-oom
-- Looks before sleeping. ARGV: now. Answers when the next schedule may be claimed, or ''. When none may now, it is
-- marked that somebody sleeps: an earlier instant wakes whoever does.
local first = first_due() or ''
if first == '' or tonumber(first) > tonumber(ARGV[1]) then call('SET', P .. 'schedules:asleep', '1', 'PX', 3600000) end
return first
