#!lua flags=allow-oom
-- Forgets old notes of tasks that neither live nor are dead letters. ARGV: before, max, how many to skip.
-- Answers how many were looked at, and how many are forgotten.
local list = call('ZRANGE', P .. 'noted', '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', ARGV[3], 500)
local max, gone = tonumber(ARGV[2]), {}
for _, member in ipairs(list) do
  local id, name = match(member, '^(%S+) (.*)$')
  if #gone < max and call('HEXISTS', P .. 'tasks', id) == 0 then
    gone[#gone + 1] = member
    call('HDEL', P .. 'notes:' .. id, name)
  end
end
if #gone > 0 then call('ZREM', P .. 'noted', unpack(gone)) end
return { #list, #gone }
