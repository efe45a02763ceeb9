#!lua flags=allow-oom
-- Forgets dead letters for good. ARGV: ids. Answers how many there were.
local count = 0
for _, id in ipairs(ARGV) do
  if call('HEXISTS', P .. 'letters', id) == 1 then
    count = count + 1
    local _, queue = match(call('HGET', P .. 'tasks', id), '^(%x+) (%S+)')
    for _, key in ipairs({ 'letters', 'tasks', 'errors', 'replays' }) do call('HDEL', P .. key, id) end
    call('ZREM', P .. 'dead', id)
    call('ZREM', P .. 'dead:' .. queue, id)
  end
end
return count
