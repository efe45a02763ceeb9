#!lua flags=allow-oom
-- Finishes runs. ARGV: now, then for each kind, id, token, and by kind
--   a  status or ''            the task is over
--   b  status or '', error     the task is a dead letter
--   r  at, error               another attempt, paid for
--   l  at                      handed back at no cost
-- and with the kind in capitals what follows from it: how many envelopes, and of each id, queue, priority, due, text;
-- how many groups it opens, and eight arguments of each, as open_group takes them; the group it arrives in, or '', and
-- index and text of its arrival; the unique key it sets free, or ''.
-- Answers for each 0 stale, 1 settled, 2 nothing done: it is marked, and for the caller to end as cancelled before
-- the rest, which nothing was done about and nothing is answered for.
local args, now = ARGV, ARGV[1]
local LOWER = { A = 'a', B = 'b', R = 'r', L = 'l' }
local kinds, ids, tokens, firsts, errors, mores = {}, {}, {}, {}, {}, {}
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
    local more = { next = at, opens = at + 1 + args[at] * 5 }
    more.arrive = more.opens + 1 + args[more.opens] * 8
    more.grows = args[more.next] ~= '0' or args[more.opens] ~= '0'
    mores[i], at = more, more.arrive + 4
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
  wait_again(priority .. ':' .. queue, nil, place, id, due)
  call('INCR', P .. 'returned')
  if tonumber(attempts) > 0 then call('ZADD', P .. 'retrying:' .. queue, due, place .. id) end
  wake(queue, tonumber(due) <= tonumber(now))
  return 1
end

-- What follows from a settlement, but for its own end.
local function follow(more, id)
  local key = args[more.arrive + 3]
  if key ~= '' then set_free(key, id) end
  local list = {}
  for j = 1, args[more.next] * 5 do list[j] = args[more.next + j] end
  intake(list, now)
  for j = more.opens + 1, more.arrive - 1, 8 do open_group(args, j, now) end
  local group = args[more.arrive]
  if group ~= '' then arrive(group, args[more.arrive + 1], args[more.arrive + 2], now) end
end

-- Who is gone is gone before anything is sent, and nobody else is.
before_sending = flush
local records = call('HMGET', P .. 'live', unpack(ids))
local answers, touched = {}, {}
for i = 1, #ids do
  local id, kind, record, more = ids[i], kinds[i], records[i], mores[i]
  if touched[id] then
    flush()
    record = call('HGET', P .. 'live', id)
  end
  if record and is_plain(record) then record = spell_out(id) end
  local token, notes, entry, place, queue
  if record then token, notes, entry, place, queue = match(record, '^(%d+) %d+ (%d) (%S+) (%x+) (%S+)') end
  if token ~= tokens[i] or entry == '-' then
    answers[i] = 0
  elseif kind == 'a' and notes == '0' and not (more and more.grows) then
    gone[#gone + 1] = id
    if firsts[i] ~= '' then
      status_ids[#status_ids + 1] = id
      statuses[#statuses + 1] = firsts[i]
    end
    add(members, queue, place .. id)
    entries[entry] = entries[entry] or { 0, queue }
    entries[entry][1] = entries[entry][1] + 1
    if more then follow(more, id) end
    answers[i] = 1
  else
    flush()
    local act = (kind == 'a' or kind == 'b') and finish or hand_back
    answers[i] = act(kind, id, record, firsts[i], errors[i])
    if answers[i] == 2 then break end
    if more then follow(more, id) end
  end
  if answers[i] ~= 0 then touched[id] = true end
end
flush()
return answers
