#!lua flags=allow-oom
-- Forgets dead letters for good. ARGV: ids. Answers how many there were.
local count = 0
for _, id in ipairs(ARGV) do
  local letter = call('HGET', P .. 'letters', id)
  if letter then
    count = count + 1
    for _, key in ipairs({ 'letters', 'tasks', 'errors', 'replays' }) do call('HDEL', P .. key, id) end
    call('ZREM', P .. 'dead', id)
    call('ZREM', P .. 'dead:' .. match(letter, '(%S+)$'), id)
  end
end
return count
