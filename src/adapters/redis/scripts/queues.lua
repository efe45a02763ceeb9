#!lua flags=allow-oom
-- Counts queues. ARGV: now. Answers for each queue that holds something or is paused its name, ready, scheduled,
-- running, retrying, dead, paused (0 or 1), and when the longest-waiting ready task became due, or ''.
-- Forgets the names of those that hold nothing.
local now, answer = ARGV[1], {}

-- The earliest due of the tasks that are ready and have paid no attempt.
local function oldest(queue, priority)
  local key, from = P .. 'wait:' .. priority .. ':' .. queue, 0
  while true do
    local list = call('ZRANGE', key, '-inf', now, 'BYSCORE', 'LIMIT', from, 100, 'WITHSCORES')
    if #list == 0 then return nil end
    for i = 1, #list, 2 do
      if not call('ZSCORE', P .. 'retrying:' .. queue, list[i]) then return list[i + 1] end
    end
    from = from + 100
  end
end

for _, queue in ipairs(call('SUNION', P .. 'queues', P .. 'paused')) do
  local ready, waiting, first = 0, 0, ''
  for priority = 0, 9 do
    local key = P .. 'wait:' .. priority .. ':' .. queue
    local all = call('ZCARD', key)
    waiting = waiting + all
    if all > 0 then
      ready = ready + call('ZCOUNT', key, '-inf', now)
      first = earlier(first, oldest(queue, priority))
    end
  end
  local retrying = call('ZCARD', P .. 'retrying:' .. queue)
  local retrying_now = call('ZCOUNT', P .. 'retrying:' .. queue, '-inf', now)
  local running = tonumber(call('HGET', P .. 'leased', queue) or 0)
  local dead = call('ZCARD', P .. 'dead:' .. queue)
  local paused = call('SISMEMBER', P .. 'paused', queue)
  if waiting + running + dead + paused > 0 then
    local scheduled = waiting - ready - (retrying - retrying_now)
    for _, part in ipairs({ queue, ready - retrying_now, scheduled, running, retrying, dead, paused, first }) do
      answer[#answer + 1] = part
    end
  else
    call('SREM', P .. 'queues', queue)
  end
end
return answer
