#!lua flags=allow-oom
-- Forgets groups that ended, and arrivals without a group as old, the earliest first. ARGV: before, max. Answers how
-- many.
local ids = call('ZRANGE', P .. 'groups:over', '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  call('UNLINK', P .. 'group:' .. id, P .. 'arrivals:' .. id, P .. 'failures:' .. id)
  for _, key in ipairs({ 'groups', 'groups:open', 'groups:over' }) do call('ZREM', P .. key, id) end
end
return #ids
