#!lua flags=allow-oom
-- Leases tasks whose lease has run out. ARGV: now, end of the new lease, max, holder, queues in order.
-- Answers how many marked tasks were met, their ids, then the deliveries as reserve gives them. A marked task is not
-- leased: it is for the caller to end it as cancelled.
local now, till, left, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local marked, answer = {}, {}
for _, queue in ipairs(open_queues(5)) do
  local members = {}
  if left > 0 then
    members = call('ZRANGE', P .. 'leases:' .. queue, '-inf', now, 'BYSCORE', 'LIMIT', 0, left)
  end
  for _, member in ipairs(members) do
    local id = sub(member, 13)
    local place, priority, token, attempts, due, _, _, cancel, notes, entry = match(call('HGET', P .. 'live', id), RECORD)
    if cancel ~= '0' then
      marked[#marked + 1] = id
    else
      token = token + 1
      attempts = attempts + 1
      call('HSET', P .. 'live', id,
        write_record(place, priority, token, attempts, due, till, now, '0', notes, entry, queue, holder))
      call('ZADD', P .. 'leases:' .. queue, till, member)
      call('XCLAIM', P .. 'running:' .. queue, 'stem', holder, 0, entry, 'JUSTID')
      answer[#answer + 1] = token .. ' ' .. attempts .. ' ' .. notes .. ' ' .. id
      answer[#answer + 1] = call('HGET', P .. 'tasks', id) or ''
      if notes == '1' then answer[#answer + 1] = call('HGET', P .. 'replays', id) or '' end
      left = left - 1
    end
  end
end
local whole = { #marked }
for _, id in ipairs(marked) do whole[#whole + 1] = id end
for _, part in ipairs(answer) do whole[#whole + 1] = part end
return whole
