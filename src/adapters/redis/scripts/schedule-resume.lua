#!lua flags=allow-oom
-- Lets a paused schedule go on. ARGV: name, next instant or ''. Answers 0 when it was not paused, or is not there.
local name, at = ARGV[1], ARGV[2]
local key, before = P .. 'schedule:' .. name, first_due()
if call('HDEL', key, 'paused', 'why') == 0 then return 0 end
call('HSET', key, 'next', at, 'held', '', 'failures', '0')
set_due(name, at)
tell_since(before)
return 1
