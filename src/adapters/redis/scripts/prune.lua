#!lua flags=allow-oom
-- Removes old statuses, the earliest first. ARGV: before for successes, before for the others, max. Answers how many.
local max, found, hints = tonumber(ARGV[3]), {}, {}

-- Which of these ids did end so.
local function truly(state, ended, member)
  local ids, true_ones = {}, {}
  for id in string.gmatch(member, '%S+') do ids[#ids + 1] = id end
  for i, text in ipairs(call('HMGET', P .. 'statuses', unpack(ids))) do
    local its_state, its_end = match(text or '', '^%d+ (%a+) (%S+)')
    if its_state == state and tonumber(its_end) == ended then true_ones[#true_ones + 1] = ids[i] end
  end
  return true_ones
end

-- The earliest of one state: as many as may be removed, and all of their last instant.
local function look(state, before)
  local count, from, edge = 0, 0, nil
  while true do
    local list = call('ZRANGE', P .. 'ended:' .. state, '-inf', '(' .. before, 'BYSCORE', 'LIMIT', from, 10, 'WITHSCORES')
    for i = 1, #list, 2 do
      local ended = tonumber(list[i + 1])
      if edge and ended > edge then return end
      local hint = { state = state, ended = list[i + 1], member = list[i], left = {} }
      hints[#hints + 1] = hint
      for _, id in ipairs(truly(state, ended, list[i])) do
        found[#found + 1] = { id, ended, hint }
        hint.left[id] = true
        count = count + 1
      end
      -- Hints that nothing stands behind any more are not looked through without end.
      if count >= max or #hints >= 1000 then edge = ended end
    end
    if #list < 20 then return end
    from = from + 10
  end
end

for _, state in ipairs({ 'succeeded', 'failed', 'cancelled', 'expired' }) do
  look(state, state == 'succeeded' and ARGV[1] or ARGV[2])
end
table.sort(found, function(a, b) return a[2] < b[2] or a[2] == b[2] and a[1] < b[1] end)
local ids = {}
for _, one in ipairs(found) do
  local id, hint = one[1], one[3]
  if #ids < max then
    if call('HDEL', P .. 'statuses', id) == 1 then
      ids[#ids + 1] = id
      call('HINCRBY', P .. 'ends', hint.state, -1)
    end
    hint.left[id] = nil
  end
end
for _, hint in ipairs(hints) do
  local left = {}
  for id in pairs(hint.left) do left[#left + 1] = id end
  call('ZREM', P .. 'ended:' .. hint.state, hint.member)
  if #left > 0 then call('ZADD', P .. 'ended:' .. hint.state, hint.ended, concat(left, ' ')) end
end
return #ids
