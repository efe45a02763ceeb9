#!lua flags=allow-oom
-- Writes statuses. ARGV: for each id, "token state ended own json".
for i = 1, #ARGV, 2 do
  local id = ARGV[i]
  remember(id, ARGV[i + 1])
  -- A live task that is remembered already must be settled with a look at that.
  local record = call('HEXISTS', P .. 'tasks', id) == 1 and spell_out(id)
  if record then
    local token, attempts, rest = match(record, '^(%d+) (%d+) %d (.*)$')
    call('HSET', P .. 'live', id, token .. ' ' .. attempts .. ' 1 ' .. rest)
  end
end
return #ARGV / 2
