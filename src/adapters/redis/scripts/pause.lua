#!lua flags=allow-oom
-- Pauses a queue or resumes it. ARGV: queue, 1 or 0. Answers 1 when it was otherwise.
if ARGV[2] == '1' then return call('SADD', P .. 'paused', ARGV[1]) end
local changed = call('SREM', P .. 'paused', ARGV[1])
wake(ARGV[1])
return changed
