#!lua flags=allow-oom
-- Leases tasks whose lease has run out. ARGV: now, end of the new lease, max, holder, queues in order.
-- Answers the ids of marked tasks that were met, and of those that are leased for each "token attempts notes id", its
-- text of the hash tasks, and with notes 1 its replays, else ''. A marked task is not leased: it is for the caller to
-- end it as cancelled.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local marked, answer = {}, {}

-- The longest lost of a queue, as members of its leases. Plain tasks are spelled out first, a reservation at a time.
local function lost_of(queue)
  while true do
    local members, spelled = call('ZRANGE', P .. 'leases:' .. queue, '-inf', now, 'BYSCORE', 'LIMIT', 0, left), 0
    for _, member in ipairs(members) do
      if sub(member, 1, 1) == '*' and spelled < left then
        local entry = sub(member, 2)
        for id in string.gmatch(reservation(entry).tasks, '%S+') do
          if call('HGET', P .. 'live', id) == entry then
            spell_out(id)
            spelled = spelled + 1
          end
        end
      end
    end
    if spelled == 0 then return members end
  end
end

local function take(queue, lost)
  local ids = {}
  for i, one in ipairs(lost) do ids[i] = one[1] end
  local entry = open_reservation(queue, ids, holder, till, now, 0)
  for _, one in ipairs(lost) do
    local id = one[1]
    local token, attempts, notes, old, place, _, priority, due = unpack(one[2])
    token, attempts = token + 1, attempts + 1
    call('HSET', P .. 'live', id,
      write_record(token, attempts, notes, entry, place, queue, priority, due, till, now, '0', holder))
    call('ZADD', P .. 'leases:' .. queue, till, place .. id)
    leave_reservation(old, 1, queue)
    answer[#answer + 1] = token .. ' ' .. attempts .. ' ' .. notes .. ' ' .. id
    answer[#answer + 1] = call('HGET', P .. 'tasks', id)
    answer[#answer + 1] = notes == '1' and call('HGET', P .. 'replays', id) or ''
  end
end

for _, queue in ipairs(open_queues(5)) do
  -- Behind marked tasks there may be more of the same queue: the caller ends these and asks again.
  if left > 0 and #marked == 0 then
    local lost = {}
    for _, member in ipairs(lost_of(queue)) do
      local id = sub(member, 13)
      local parts = { match(call('HGET', P .. 'live', id), RECORD) }
      if parts[11] ~= '0' then
        marked[#marked + 1] = id
      else
        lost[#lost + 1] = { id, parts }
        left = left - 1
      end
    end
    if #lost > 0 then take(queue, lost) end
  end
end
return { marked, answer }
