#!lua flags=allow-oom
-- Holds slots. ARGV: now, their new end, then of each key, id, token.
local now, till = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV, 3 do
  local key, id = ARGV[i], ARGV[i + 1]
  local ends = call('ZSCORE', P .. 'slots:' .. key, id)
  if ends and tonumber(ends) > now and call('HGET', P .. 'holders:' .. key, id) == ARGV[i + 2] then
    give_slot(key, id, ARGV[i + 2], till, now)
  end
end
return #ARGV
