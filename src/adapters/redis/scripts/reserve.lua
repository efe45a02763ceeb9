#!lua flags=allow-oom
-- Leases ready tasks. ARGV: now, end of the lease, max, holder, queues in order.
-- Answers wakeAt or ''; the tasks' texts of the hash tasks, in the order they are to run in; of those that are not
-- plain their index from 0, "token attempts notes id" and with notes 1 their replays, else ''; and the reservations
-- with how many of the texts are theirs, one after the other.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local queues = open_queues(5)
local texts, noted, entries = {}, {}, {}

-- One that has a record: its token grows.
local function take_noted(queue, member, id, record, entry, index)
  local token, attempts, notes, rest = match(record, '^(%d+) (%d+) (%d) %- (%x+ %S+ %d %S+)')
  local proof = token + 1 .. ' ' .. attempts .. ' ' .. notes .. ' '
  call('HSET', P .. 'live', id, proof .. entry .. ' ' .. rest .. ' ' .. till .. ' ' .. now .. ' 0 ' .. holder)
  call('ZADD', P .. 'leases:' .. queue, till, member)
  if attempts ~= '0' then call('ZREM', P .. 'retrying:' .. queue, member) end
  add(noted, 'list', index, proof .. id)
  add(noted, 'list', notes == '1' and call('HGET', P .. 'replays', id) or '')
end

for _, queue in ipairs(queues) do
  local members, ids, shelves = {}, {}, shelves_of(queue)
  for priority = 9, 0, -1 do
    if left > 0 and shelves > 0 then
      local key = P .. 'wait:' .. priority .. ':' .. queue
      local turns = has_lines(priority .. ':' .. queue)
      local ready = turns and take_turns(priority .. ':' .. queue, left, now) or
        call('ZRANGE', key, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
      local count, n = #ready, #ids
      if count > 0 then
        shelves = shelves - 1
        for i = 1, count do
          members[n + i] = ready[i]
          ids[n + i] = sub(ready[i], 13)
        end
        -- They are the first of all: by rank they go at once.
        if not turns then call('ZREMRANGEBYRANK', key, 0, count - 1) end
        left = left - count
      end
    end
  end
  if #ids > 0 then
    local entry, before = open_reservation(queue, ids, holder, till, now), #texts
    local tasks, records = call('HMGET', P .. 'tasks', unpack(ids)), call('HMGET', P .. 'live', unpack(ids))
    local plain, n = {}, 0
    for i = 1, #ids do
      texts[before + i] = tasks[i]
      if records[i] then
        take_noted(queue, members[i], ids[i], records[i], entry, before + i - 1)
      else
        plain[n + 1] = ids[i]
        plain[n + 2] = entry
        n = n + 2
      end
    end
    if n > 0 then
      call('HSET', P .. 'live', unpack(plain))
      call('HSET', P .. 'open', entry .. ':plain', n / 2)
      call('ZADD', P .. 'leases:' .. queue, till, '*' .. entry)
    end
    entries[#entries + 1] = entry
    entries[#entries + 1] = #ids
  end
end

local wake_at = ''
if left > 0 then
  for _, queue in ipairs(queues) do
    wake_at = next_due(queue, wake_at)
    wake_at = earlier(wake_at, call('ZRANGE', P .. 'leases:' .. queue, 0, 0, 'WITHSCORES')[2])
  end
end
return { wake_at, texts, noted.list or {}, entries }
