#!lua flags=allow-oom
-- Leases ready tasks. ARGV: now, end of the lease, max, holder, queues in order.
-- Answers wakeAt or '', then for each task "token attempts notes id", its text of the hash tasks, and with notes 1
-- its replays or ''.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local queues = open_queues(5)
local taken, count, answer = {}, 0, { '' }

for _, queue in ipairs(queues) do
  for priority = 9, 0, -1 do
    if left > 0 then
      local key = P .. 'wait:' .. priority .. ':' .. queue
      local members = call('ZRANGE', key, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
      if #members > 0 then
        taken[#taken + 1] = { queue, key, members }
        count = count + #members
        left = left - #members
      end
    end
  end
end

if count > 0 then
  local entry, lives, n = open_reservation(holder, count), {}, 1
  local tail = ' ' .. till .. ' ' .. now .. ' 0 ' .. holder
  for _, group in ipairs(taken) do
    local queue, key, members = group[1], group[2], group[3]
    local ids, leases = {}, {}
    for i = 1, #members do ids[i] = sub(members[i], 13) end
    local records = call('HMGET', P .. 'live', unpack(ids))
    local tasks = call('HMGET', P .. 'tasks', unpack(ids))
    for i = 1, #ids do
      local id, record = ids[i], records[i]
      local token, attempts, notes, rest = 0, '0', '0', nil
      if record then
        token, attempts, notes, rest = match(record, '^(%d+) (%d+) (%d) %- (%x+ %S+ %d %S+)')
      else
        rest = match(tasks[i], '^%x+ %S+ %d %S+')
      end
      local proof = token + 1 .. ' ' .. attempts .. ' ' .. notes .. ' '
      lives[#lives + 1] = id
      lives[#lives + 1] = proof .. entry .. ' ' .. rest .. tail
      leases[i * 2 - 1] = till
      leases[i * 2] = members[i]
      answer[n + 1] = proof .. id
      answer[n + 2] = tasks[i]
      n = n + 2
      if attempts ~= '0' then call('ZREM', P .. 'retrying:' .. queue, members[i]) end
      if notes == '1' then
        n = n + 1
        answer[n] = call('HGET', P .. 'replays', id) or ''
      end
    end
    call('ZREM', key, unpack(members))
    call('ZADD', P .. 'leases:' .. queue, unpack(leases))
  end
  call('HSET', P .. 'live', unpack(lives))
end

if left > 0 then
  for _, queue in ipairs(queues) do
    answer[1] = next_due(queue, answer[1])
    answer[1] = earlier(answer[1], call('ZRANGE', P .. 'leases:' .. queue, 0, 0, 'WITHSCORES')[2])
  end
end
return answer
