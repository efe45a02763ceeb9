#!lua flags=allow-oom
-- Leases tasks whose lease has run out. ARGV: now, end of the new lease, max, holder, queues in order.
-- Answers how many marked tasks were met, their ids, then the deliveries as reserve gives them. A marked task is not
-- leased: it is for the caller to end it as cancelled.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local marked, lost, answer = {}, {}, {}
for _, queue in ipairs(open_queues(5)) do
  -- Behind marked tasks there may be more of the same queue: the caller ends these and asks again.
  if left > 0 and #marked == 0 then
    for _, member in ipairs(call('ZRANGE', P .. 'leases:' .. queue, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)) do
      local id = sub(member, 13)
      local parts = { match(call('HGET', P .. 'live', id), RECORD) }
      if parts[11] ~= '0' then
        marked[#marked + 1] = id
      else
        lost[#lost + 1] = { id, parts, member }
        left = left - 1
      end
    end
  end
end
local entry = #lost > 0 and open_reservation(holder, #lost)
for _, one in ipairs(lost) do
  local id = one[1]
  local token, attempts, notes, old, place, queue, priority, due = unpack(one[2])
  token, attempts = token + 1, attempts + 1
  call('HSET', P .. 'live', id,
    write_record(token, attempts, notes, entry, place, queue, priority, due, till, now, '0', holder))
  call('ZADD', P .. 'leases:' .. queue, till, one[3])
  leave_reservation(old, 1)
  answer[#answer + 1] = token .. ' ' .. attempts .. ' ' .. notes .. ' ' .. id
  answer[#answer + 1] = call('HGET', P .. 'tasks', id)
  if notes == '1' then answer[#answer + 1] = call('HGET', P .. 'replays', id) or '' end
end
local whole = { #marked }
for _, id in ipairs(marked) do whole[#whole + 1] = id end
for _, part in ipairs(answer) do whole[#whole + 1] = part end
return whole
