#!lua flags=allow-oom
-- Keeps what a worker answered. ARGV: command, worker, until, how long that is, answer.
local answers = P .. 'answers:' .. ARGV[1]
call('HSET', answers, ARGV[2], ARGV[3] .. ' ' .. ARGV[5])
return call('PEXPIRE', answers, math.max(tonumber(ARGV[4]), 1))
