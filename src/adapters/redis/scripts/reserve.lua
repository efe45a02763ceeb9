#!lua flags=allow-oom
-- Leases ready tasks. ARGV: now, end of the lease, max, holder, queues in order.
-- Answers wakeAt or ''; the tasks' texts of the hash tasks, in the order they are to run in; of those that are not
-- plain their index from 0, "token attempts notes id" and with notes 1 their replays, else ''; and the reservations
-- with how many of the texts are theirs, one after the other.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local texts, noted, entries = {}, {}, {}

-- Whether none of these is there: one look, for a worker waits for an answer, and a look at each takes as long as it all.
local function none(keys) return call('EXISTS', unpack(keys)) == 0 end
local function add_shelves(keys, queue, highest, lowest)
  for priority = highest, lowest, -1 do keys[#keys + 1] = P .. 'wait:' .. priority .. ':' .. queue end
  return keys
end

-- What most namespaces have nothing of: paused queues, lines, and tasks above the usual priority, which is 5.
local rare, queues, highest = { P .. 'paused', P .. 'shelves' }, {}, 5
for i = 5, #ARGV do
  queues[#queues + 1] = ARGV[i]
  add_shelves(rare, ARGV[i], 9, 6)
end
if none(rare) then
  any_lined = false
else
  queues, highest = open_queues(5), 9
end

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
  local members, ids = {}, {}
  for priority = highest, 0, -1 do
    if left == 0 or (priority == 4 and none(add_shelves({}, queue, 4, 0))) then break end
    local key = P .. 'wait:' .. priority .. ':' .. queue
    local turns = has_lines(priority .. ':' .. queue)
    local ready = turns and take_turns(priority .. ':' .. queue, left, now) or
      call('ZRANGE', key, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
    local count, n = #ready, #ids
    if count > 0 then
      for i = 1, count do
        members[n + i] = ready[i]
        ids[n + i] = sub(ready[i], 13)
      end
      -- They are the first of all: by rank they go at once.
      if not turns then call('ZREMRANGEBYRANK', key, 0, count - 1) end
      left = left - count
    end
  end
  if #ids > 0 then
    local tasks, records = call('HMGET', P .. 'tasks', unpack(ids)), call('HMGET', P .. 'live', unpack(ids))
    local all_plain = 0
    for i = 1, #ids do
      if not records[i] then all_plain = all_plain + 1 end
    end
    local entry, before = open_reservation(queue, ids, holder, till, now, all_plain), #texts
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
