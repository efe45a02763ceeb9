#!lua flags=allow-oom
-- Ends plain tasks that have succeeded. ARGV: in how many instants they ended, each of them and how many tasks ended
-- in it; then for each task id, status, in the order of the instants. No id may come twice.
-- Answers the indices, from 0, of those that are not plain: nothing was done about them.
local instants = tonumber(ARGV[1])
local first, last = 2 + 2 * instants, #ARGV
local count = (last - first + 1) / 2
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

local from = 0
for i = 1, instants do
  local size = tonumber(ARGV[2 * i + 1])
  -- A hint: the others among them do no harm.
  call('ZADD', P .. 'ended:succeeded', ARGV[2 * i], concat(ids, ' ', from + 1, from + size))
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
return others
