#!lua flags=allow-oom
-- A lock. ARGV: now, name, its new end, and the token it must have, or '' to acquire it when nobody has it.
-- Answers its token, or 0. lock:NAME is "token until" and expires after its end; locks counts all there ever were,
-- so that a token only grows.
local now, key, till, token = tonumber(ARGV[1]), P .. 'lock:' .. ARGV[2], ARGV[3], ARGV[4]
local known = call('GET', key)
local held, ends
if known then
  held, ends = match(known, '^(%d+) (%S+)$')
  if tonumber(ends) <= now then held = nil end
end
if token == '' then
  if held then return 0 end
  token = call('INCR', P .. 'locks')
elseif held ~= token then
  return 0
end
local ms = tonumber(till) - now
if ms <= 0 then
  call('DEL', key)
else
  call('SET', key, token .. ' ' .. till, 'PX', format('%.0f', ms + 60000))
end
return tonumber(token)
