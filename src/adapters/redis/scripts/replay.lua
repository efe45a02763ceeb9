#!lua
-- Puts dead letters back on their queues. ARGV: for each id, token, due, the envelope, the trail.
-- Answers for each 1, or 0 when it is gone or has died anew.
local answers = {}
for i = 1, #ARGV, 5 do
  local id, due, envelope, trail = ARGV[i], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local letter = call('HGET', P .. 'letters', id)
  local token = letter and match(letter, '^%d+')
  local found = token == ARGV[i + 1]
  if found then
    local _, queue, priority = match(call('HGET', P .. 'tasks', id), '^(%x+) (%S+) (%d)')
    local place = format('%012x', call('INCR', P .. 'seq'))
    local shelf, text = priority .. ':' .. queue, place .. ' ' .. queue .. ' ' .. priority .. ' ' .. due .. ' ' .. envelope
    call('HSET', P .. 'tasks', id, text)
    call('HSET', P .. 'live', id, write_record(token, 0, '1', '-', place, queue, priority, due, '0', '0', '0', ''))
    call('HSET', P .. 'replays', id, trail)
    if turn_of(text) ~= '' then make_lines(shelf) end
    call('ZADD', P .. 'wait:' .. shelf, due, place .. id)
    wait_again(shelf, text, place, id, due)
    call('HDEL', P .. 'letters', id)
    call('HDEL', P .. 'errors', id)
    call('ZREM', P .. 'dead', id)
    call('ZREM', P .. 'dead:' .. queue, id)
    local status = call('HGET', P .. 'statuses', id)
    if status then
      call('HINCRBY', P .. 'ends', match(status, '^%d+ (%a+)'), -1)
      call('HDEL', P .. 'statuses', id)
    end
    call('SADD', P .. 'queues', queue)
    wake(queue)
  end
  answers[#answers + 1] = found and 1 or 0
end
return answers
