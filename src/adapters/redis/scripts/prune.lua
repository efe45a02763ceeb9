#!lua flags=allow-oom
-- Removes old statuses, the earliest first. ARGV: before for successes, before for the others, max. Answers how many.
local found, max = {}, tonumber(ARGV[3])
for _, state in ipairs({ 'succeeded', 'failed', 'cancelled', 'expired' }) do
  local before = '(' .. (state == 'succeeded' and ARGV[1] or ARGV[2])
  local list = call('ZRANGE', P .. 'ended:' .. state, '-inf', before, 'BYSCORE', 'LIMIT', 0, max, 'WITHSCORES')
  for i = 1, #list, 2 do found[#found + 1] = { list[i], tonumber(list[i + 1]), state } end
end
table.sort(found, function(a, b) return a[2] < b[2] or a[2] == b[2] and a[1] < b[1] end)
local ids, lists = {}, {}
for i = 1, math.min(max, #found) do
  local id, state = found[i][1], found[i][3]
  ids[i] = id
  lists[state] = lists[state] or {}
  table.insert(lists[state], id)
end
if #ids > 0 then call('HDEL', P .. 'statuses', unpack(ids)) end
for state, list in pairs(lists) do call('ZREM', P .. 'ended:' .. state, unpack(list)) end
return #ids
