#!lua flags=allow-oom
-- Ends plain tasks that have succeeded. ARGV: now, how many tasks, in how many instants they ended, each of them and how
-- many tasks ended in it; for each task id, status, in the order of the instants; then what follows from them, in
-- their order:
--   k  unique key, id                      is set free
--   n  id, queue, priority, due, text      is stored; it has no unique key
--   g  group, index, text                  arrives, as a success
-- No id may come twice. Answers the indices of those that nothing was done about: they are not plain; or something
-- follows, and not all are plain or what a group sends has a unique key. Then the order in which they end is of weight.
local now, count, instants = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local first = 4 + 2 * instants
local last = first + 2 * count - 1
local ids, counts, others = {}, {}, {}
for i = 1, count do ids[i] = ARGV[first + 2 * i - 2] end
local records = call('HMGET', P .. 'live', unpack(ids))
for i = 1, count do
  local entry = records[i]
  if entry and is_plain(entry) then
    counts[entry] = (counts[entry] or 0) + 1
  else
    others[#others + 1] = i - 1
  end
end
if #others == count then return others end

-- What follows has an order, which settle.lua keeps when there is more to look at.
local WIDTH = { k = 3, n = 6, g = 4 }
local come = {}
local function is_simple()
  if #others > 0 then return false end
  local at = last + 1
  while at <= #ARGV do
    local kind, group = ARGV[at], ARGV[at + 1]
    if kind == 'g' then come[group] = (come[group] or 0) + 1 end
    at = at + WIDTH[kind]
  end
  for group in pairs(come) do
    if call('HGET', P .. 'group:' .. group, 'careful') == '1' then return false end
  end
  return true
end
if last < #ARGV and not is_simple() then
  for i = 1, count do others[i] = i - 1 end
  return others
end

local from = 0
for i = 1, instants do
  local size = tonumber(ARGV[2 * i + 3])
  -- A hint: the others among them do no harm.
  call('ZADD', P .. 'ended:succeeded', ARGV[2 * i + 2], concat(ids, ' ', from + 1, from + size))
  from = from + size
end
if #others == 0 then
  call('HSET', P .. 'statuses', unpack(ARGV, first, last))
else
  local kept, writes, at = {}, {}, 1
  for i = 1, count do
    if others[at] == i - 1 then
      at = at + 1
    else
      kept[#kept + 1] = ids[i]
      writes[#writes + 1] = ids[i]
      writes[#writes + 1] = ARGV[first + 2 * i - 1]
    end
  end
  call('HSET', P .. 'statuses', unpack(writes))
  ids = kept
end
call('HDEL', P .. 'live', unpack(ids))
call('HDEL', P .. 'tasks', unpack(ids))
call('HINCRBY', P .. 'ends', 'succeeded', #ids)
for entry, size in pairs(counts) do
  local queue = call('HGET', P .. 'open', entry .. ':queue')
  leave_plain(entry, size, queue)
  leave_reservation(entry, size, queue)
end
tell(ids)
if last == #ARGV then return others end

local list, crowds, at = {}, {}, last + 1
before_sending = function()
  intake(list, now)
  list = {}
end
for group, size in pairs(come) do
  if size > 1 and leaves_open(group, size) then crowds[group] = {} end
end
while at <= #ARGV do
  local kind = ARGV[at]
  if kind == 'k' then
    set_free(ARGV[at + 1], ARGV[at + 2])
  elseif kind == 'n' then
    for i = at + 1, at + 5 do list[#list + 1] = ARGV[i] end
  elseif crowds[ARGV[at + 1]] then
    add(crowds, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
  else
    arrive(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], now)
  end
  at = at + WIDTH[kind]
end
before_sending()
for group, crowd in pairs(crowds) do arrive_together(group, crowd) end
return others
