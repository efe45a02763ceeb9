#!lua flags=allow-oom
-- Leases ready tasks. ARGV: now, end of the lease, max, holder, queues in order.
-- Answers wakeAt or '', then for each task "token attempts notes id", its envelope, and with notes 1 its replays or ''.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local queues = open_queues(5)
local answer = { '' }

-- The deliveries of a queue stand in its stream, pending with their holder.
local function read_entries(queue, count)
  local stream = P .. 'running:' .. queue
  local read = redis.pcall('XREADGROUP', 'GROUP', 'stem', holder, 'COUNT', count, 'STREAMS', stream, '>')
  if type(read) == 'table' and read.err then
    call('XGROUP', 'CREATE', stream, 'stem', '0', 'MKSTREAM')
    call('XREADGROUP', 'GROUP', 'stem', holder, 'COUNT', count, 'STREAMS', stream, '>')
  end
end

local function take(queue, key, members)
  local ids = {}
  for i = 1, #members do ids[i] = sub(members[i], 13) end
  local records = call('HMGET', P .. 'live', unpack(ids))
  local envelopes = call('HMGET', P .. 'tasks', unpack(ids))
  local lives, leases, stream = {}, {}, P .. 'running:' .. queue
  for i = 1, #ids do
    local id = ids[i]
    local place, priority, token, attempts, due, _, _, _, notes = match(records[i], RECORD)
    local entry = call('XADD', stream, '*', 'id', id)
    token = token + 1
    lives[i * 2 - 1] = id
    lives[i * 2] = write_record(place, priority, token, attempts, due, till, now, '0', notes, entry, queue, holder)
    leases[i * 2 - 1] = till
    leases[i * 2] = members[i]
    if attempts ~= '0' then call('ZREM', P .. 'retrying:' .. queue, members[i]) end
    answer[#answer + 1] = token .. ' ' .. attempts .. ' ' .. notes .. ' ' .. id
    answer[#answer + 1] = envelopes[i] or ''
    if notes == '1' then answer[#answer + 1] = call('HGET', P .. 'replays', id) or '' end
  end
  call('ZREM', key, unpack(members))
  call('ZADD', P .. 'leases:' .. queue, unpack(leases))
  call('HSET', P .. 'live', unpack(lives))
  read_entries(queue, #ids)
end

for _, queue in ipairs(queues) do
  for priority = 9, 0, -1 do
    if left > 0 then
      local key = P .. 'wait:' .. priority .. ':' .. queue
      local members = call('ZRANGE', key, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
      if #members > 0 then
        take(queue, key, members)
        left = left - #members
      end
    end
  end
end
if left > 0 then
  for _, queue in ipairs(queues) do
    answer[1] = next_due(queue, answer[1])
    answer[1] = earlier(answer[1], call('ZRANGE', P .. 'leases:' .. queue, 0, 0, 'WITHSCORES')[2])
  end
end
return answer
