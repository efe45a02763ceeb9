#!lua flags=allow-oom
-- Pauses a schedule, and takes its lease back. ARGV: now, name, why, the token it must have or ''.
-- Answers 0 when it is paused already, is not there, or has another token.
local now, name, why, token = unpack(ARGV)
local key = P .. 'schedule:' .. name
local known = call('HMGET', key, 'token', 'paused')
if not known[1] or known[2] or token ~= '' and token ~= known[1] then return 0 end
call('HSET', key, 'paused', now, 'why', why)
take_back(name)
set_due(name, '')
return 1
