#!lua flags=allow-oom
-- Finishes runs. ARGV: now, then for each kind, id, token, and by kind
--   a  status or ''            the task is over
--   b  status or '', error     the task is a dead letter
--   r  at, error               another attempt, paid for
--   l  at                      handed back at no cost
-- and with the kind in capitals: how many follow, and id, queue, priority, due, envelope of each.
-- Answers for each 0 stale, 1 settled, 2 nothing done: it is marked, and for the caller to end as cancelled.
local args, now = ARGV, ARGV[1]
local LOWER = { A = 'a', B = 'b', R = 'r', L = 'l' }
local kinds, ids, tokens, firsts, errors, nexts = {}, {}, {}, {}, {}, {}
local at, i, last = 2, 0, #args
while at <= last do
  i = i + 1
  local kind = args[at]
  local lower = LOWER[kind] or kind
  kinds[i], ids[i], tokens[i], firsts[i] = lower, args[at + 1], args[at + 2], args[at + 3]
  at = at + 4
  if lower == 'b' or lower == 'r' then
    errors[i] = args[at]
    at = at + 1
  end
  if kind ~= lower then
    local list = {}
    for j = 1, args[at] * 5 do list[j] = args[at + j] end
    at = at + 1 + #list
    nexts[i] = list
  end
end

-- Successes with nothing to look at are gathered and land together. Those of plain tasks, the most of all by far,
-- come by succeed.lua; one that comes here is spelled out.
local gone, status_ids, statuses, members, entries = {}, {}, {}, {}, {}

local function flush()
  if #gone == 0 then return end
  call('HDEL', P .. 'live', unpack(gone))
  call('HDEL', P .. 'tasks', unpack(gone))
  for queue, list in pairs(members) do call('ZREM', P .. 'leases:' .. queue, unpack(list)) end
  for entry, count in pairs(entries) do leave_reservation(entry, count[1], count[2]) end
  remember_new(status_ids, statuses)
  gone, status_ids, statuses, members, entries = {}, {}, {}, {}, {}
end

-- The status with the progress and the replays that it does not tell itself.
local function completed(id, status)
  local own = match(status, '^%d+ %a+ %S+ (%d)')
  for _, note in ipairs({ { 'progress', own % 2 == 0 }, { 'replays', own < '2' } }) do
    local text = note[2] and call('HGET', P .. note[1], id)
    if text then status = sub(status, 1, -2) .. ',"' .. note[1] .. '":' .. text .. '}' end
  end
  return status
end

local function finish(kind, id, record, status, error)
  if status ~= '' then remember(id, completed(id, status)) end
  if kind == 'a' then
    erase(id, record)
  else
    local _, attempts = match(record, '^(%d+) (%d+)')
    inter(id, record, attempts + 1, error, now)
  end
  return 1
end

local function hand_back(kind, id, record, due, error)
  local token, attempts, notes, entry, place, queue, priority, _, _, started, cancel = match(record, RECORD)
  if cancel ~= '0' then return 2 end
  if kind == 'r' then
    attempts = attempts + 1
    notes = '1'
    call('HSET', P .. 'errors', id, error)
  end
  call('ZREM', P .. 'leases:' .. queue, place .. id)
  leave_reservation(entry, 1, queue)
  call('HSET', P .. 'live', id,
    write_record(token, attempts, notes, '-', place, queue, priority, due, '0', started, '0', ''))
  call('ZADD', P .. 'wait:' .. priority .. ':' .. queue, due, place .. id)
  call('INCR', P .. 'returned')
  if tonumber(attempts) > 0 then call('ZADD', P .. 'retrying:' .. queue, due, place .. id) end
  wake(queue, tonumber(due) <= tonumber(now))
  return 1
end

local records = call('HMGET', P .. 'live', unpack(ids))
local answers, touched = {}, {}
for i = 1, #ids do
  local id, kind, record = ids[i], kinds[i], records[i]
  if touched[id] then
    flush()
    record = call('HGET', P .. 'live', id)
  end
  if record and is_plain(record) then record = spell_out(id) end
  local token, notes, entry, place, queue
  if record then token, notes, entry, place, queue = match(record, '^(%d+) %d+ (%d) (%S+) (%x+) (%S+)') end
  if token ~= tokens[i] or entry == '-' or answers[touched[id]] == 2 then
    answers[i] = 0
  elseif kind == 'a' and notes == '0' and not nexts[i] then
    gone[#gone + 1] = id
    if firsts[i] ~= '' then
      status_ids[#status_ids + 1] = id
      statuses[#statuses + 1] = firsts[i]
    end
    add(members, queue, place .. id)
    entries[entry] = entries[entry] or { 0, queue }
    entries[entry][1] = entries[entry][1] + 1
    answers[i] = 1
  else
    flush()
    local act = (kind == 'a' or kind == 'b') and finish or hand_back
    answers[i] = act(kind, id, record, firsts[i], errors[i])
    if nexts[i] and answers[i] == 1 then intake(nexts[i], now) end
  end
  -- What the caller is to end has been decided: more of the same task is stale.
  if answers[i] ~= 0 then touched[id] = i end
end
flush()
return answers
