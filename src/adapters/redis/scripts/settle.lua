#!lua flags=allow-oom
-- Finishes runs. ARGV: now, then for each kind, id, token, and by kind
--   a  status or ''            the task is over
--   b  status or '', error     the task is a dead letter
--   r  at, error               another attempt, paid for
--   l  at                      handed back at no cost
-- and with the kind in capitals: how many follow, and id, queue, priority, due, envelope of each.
-- Answers for each 0 stale, 1 settled, 2 nothing done: it is marked, and for the caller to end as cancelled.
local now = ARGV[1]
local kinds, ids, tokens, firsts, errors, nexts = {}, {}, {}, {}, {}, {}
local at = 2
while at <= #ARGV do
  local i, kind = #ids + 1, ARGV[at]
  local lower = string.lower(kind)
  kinds[i], ids[i], tokens[i], firsts[i] = lower, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  at = at + 4
  if lower == 'b' or lower == 'r' then
    errors[i] = ARGV[at]
    at = at + 1
  end
  if kind ~= lower then
    local list = {}
    for j = 1, ARGV[at] * 5 do list[j] = ARGV[at + j] end
    at = at + 1 + #list
    nexts[i] = list
  end
end

-- Plain successes, the most of all by far, are gathered and land together.
local answers, touched = {}, {}
local gone, status_ids, statuses, members, entries = {}, {}, {}, {}, {}

local function flush()
  if #gone == 0 then return end
  call('HDEL', P .. 'live', unpack(gone))
  call('HDEL', P .. 'tasks', unpack(gone))
  for queue, list in pairs(members) do
    call('ZREM', P .. 'leases:' .. queue, unpack(list))
    call('XACK', P .. 'running:' .. queue, 'stem', unpack(entries[queue]))
    call('XDEL', P .. 'running:' .. queue, unpack(entries[queue]))
  end
  remember(status_ids, statuses)
  gone, status_ids, statuses, members, entries = {}, {}, {}, {}, {}
end

-- The status with the progress and the replays that it does not tell itself.
local function completed(id, status)
  local own, rest = match(status, '^%d+ %a+ %S+ (%d)()')
  for _, note in ipairs({ { 'progress', own % 2 == 0 }, { 'replays', own < '2' } }) do
    local text = note[2] and call('HGET', P .. note[1], id)
    if text then status = sub(status, 1, -2) .. ',"' .. note[1] .. '":' .. text .. '}' end
  end
  return status
end

local function finish(i, record)
  local id, status = ids[i], firsts[i]
  if status ~= '' then remember({ id }, { completed(id, status) }) end
  if kinds[i] == 'a' then
    erase(id, record)
  else
    local _, _, _, attempts = match(record, RECORD)
    inter(id, record, attempts + 1, errors[i], now)
  end
  return 1
end

local function hand_back(i, record)
  local place, priority, token, attempts, _, _, started, cancel, notes, entry, queue = match(record, RECORD)
  if cancel ~= '0' then return 2 end
  local id, due = ids[i], firsts[i]
  if kinds[i] == 'r' then
    attempts = attempts + 1
    notes = '1'
    call('HSET', P .. 'errors', id, errors[i])
  end
  close_lease(id, place, queue, entry)
  call('HSET', P .. 'live', id,
    write_record(place, priority, token, attempts, due, '0', started, '0', notes, '-', queue, ''))
  call('ZADD', P .. 'wait:' .. priority .. ':' .. queue, due, place .. id)
  if tonumber(attempts) > 0 then call('ZADD', P .. 'retrying:' .. queue, due, place .. id) end
  wake(queue)
  return 1
end

local records = call('HMGET', P .. 'live', unpack(ids))
for i = 1, #ids do
  local id, kind, record = ids[i], kinds[i], records[i]
  if touched[id] then
    flush()
    record = call('HGET', P .. 'live', id)
  end
  touched[id] = true
  local place, token, held, notes, entry, queue, _
  if record then place, _, token, _, _, held, _, _, notes, entry, queue = match(record, RECORD) end
  if not record or held == '0' or token ~= tokens[i] then
    answers[i] = 0
  elseif kind == 'a' and notes == '0' and not nexts[i] then
    gone[#gone + 1] = id
    if firsts[i] ~= '' then
      status_ids[#status_ids + 1] = id
      statuses[#statuses + 1] = firsts[i]
    end
    local list = members[queue]
    if not list then
      list = {}
      members[queue], entries[queue] = list, {}
    end
    list[#list + 1] = place .. id
    entries[queue][#list] = entry
    answers[i] = 1
  else
    flush()
    if kind == 'a' or kind == 'b' then
      answers[i] = finish(i, record)
    else
      answers[i] = hand_back(i, record)
    end
    if nexts[i] and answers[i] == 1 then
      intake(nexts[i], now)
      for j = 1, #nexts[i], 5 do touched[nexts[i][j]] = true end
    end
  end
end
flush()
return answers
