-- How tasks come in. An envelope comes as id, queue, priority, due and its text: JSON; or, of a task with a unique or
-- a fair key and of one that a group sends, "mode forMs weight L F " with the unique key of L bytes, the fair key of F
-- bytes and the JSON behind its id and due, which may become others. mode is l, w, t, d, r as in core/task/envelope.ts, or n for
-- none; forMs and weight are 0 where there is none.
--
--   keys         hash    unique key -> "until id": who has it, and until when at least; until is - without a window
local SLICE = 500

local function whole(id, due, rest)
  return '{"id":' .. cjson.encode(id) .. ',"dueAt":' .. due .. ',' .. rest
end

-- The parts of a text that is not JSON; nil of one that is.
local function parts_of(text)
  local mode, for_ms, weight, long, long_fair, at = match(text, '^(%l) (%d+) (%d+) (%d+) (%d+) ()')
  if not mode then return nil end
  local middle = at + long
  local last = middle + long_fair
  return {
    mode = mode, for_ms = tonumber(for_ms), weight = tonumber(weight),
    key = sub(text, at, middle - 1), fair = sub(text, middle, last - 1), rest = sub(text, last),
  }
end

-- The end of a task sets its key free, if it still has it and it is not held for a while.
local function set_free(key, id)
  if call('HGET', P .. 'keys', key) == '- ' .. id then call('HDEL', P .. 'keys', key) end
end

-- The task that waits becomes what the new one brings, under its own id and in its own place.
local function take_over(id, record, parts, queue, priority, due, now)
  local token, attempts, notes, entry, place, old_queue, old_priority, _, till, started, cancel, holder =
    match(record, RECORD)
  local old, shelf = old_priority .. ':' .. old_queue, priority .. ':' .. queue
  call('ZREM', P .. 'wait:' .. old, place .. id)
  leave_line(old, nil, place, id)
  local text = place .. ' ' .. queue .. ' ' .. priority .. ' ' .. due .. ' ' .. whole(id, due, parts.rest)
  call('HSET', P .. 'tasks', id, text)
  if call('HEXISTS', P .. 'live', id) == 1 then
    call('HSET', P .. 'live', id,
      write_record(token, attempts, notes, entry, place, queue, priority, due, till, started, cancel, holder))
  end
  if parts.weight > 0 then make_lines(shelf) end
  call('ZADD', P .. 'wait:' .. shelf, due, place .. id)
  wait_again(shelf, text, place, id, due)
  call('SADD', P .. 'queues', queue)
  call('INCR', P .. 'returned')
  wake(queue, tonumber(due) <= tonumber(now))
  return text
end

-- Stores envelopes from one index of a list on, to another.
local function take_in(list, first, last, now, answers, met)
  local ids = {}
  for i = first, last do ids[#ids + 1] = list[i * 5 - 4] end
  local tasks = call('HMGET', P .. 'tasks', unpack(ids))
  local statuses = call('HMGET', P .. 'statuses', unpack(ids))
  local seq = call('INCRBY', P .. 'seq', #ids) - #ids
  local writes, places, queues, fresh, fair = {}, {}, {}, {}, {}

  local function join_lines(shelf, waiting)
    local lines, firsts = {}, {}
    for i = 1, #waiting, 2 do
      local due, member = waiting[i], waiting[i + 1]
      local turn = fair[member] or { key = '', member = member }
      local name = turn.key
      add(lines, name, due, turn.member)
      if not firsts[name] or tonumber(due) < tonumber(firsts[name]) then firsts[name] = due end
    end
    for name, members in pairs(lines) do
      call('ZADD', line_of(shelf, name), unpack(members))
      call('ZADD', P .. 'lines:' .. shelf, 'LT', firsts[name], name)
    end
  end

  local function flush()
    if #writes == 0 then return end
    call('HSET', P .. 'tasks', unpack(writes))
    for shelf, waiting in pairs(places) do
      if fair[shelf] then make_lines(shelf) end
      call('ZADD', P .. 'wait:' .. shelf, unpack(waiting))
      if has_lines(shelf) then join_lines(shelf, waiting) end
    end
    for queue, ready in pairs(queues) do
      call('SADD', P .. 'queues', queue)
      wake(queue, ready)
    end
    writes, places, queues, fair = {}, {}, {}, {}
  end

  -- What a task of a unique key meets: nil when it may be stored, which gives it the key.
  local function meet(i, parts, queue, priority, due)
    local mode, id = parts.mode, list[i * 5 - 4]
    local has = call('HGET', P .. 'keys', parts.key)
    if has then
      local till, owner = match(has, '^(%S+) (.*)$')
      local record = record_of(owner, fresh[owner])
      local held = till ~= '-' and tonumber(now) < tonumber(till)
      local kind
      if mode == 'l' and record or mode == 't' and held or mode == 'w' and (record or held) then
        kind = 'duplicate'
      elseif record and (mode == 'd' or mode == 'r') and match(record, '^%d+ 0 %d %- ') then
        kind = 'replaced'
        flush()
        local at = mode == 'd' and due or select(8, match(record, RECORD))
        fresh[owner] = take_over(owner, record, parts, queue, priority, at, now)
        record = record_of(owner, fresh[owner])
      end
      if kind then
        local status = not record and call('HGET', P .. 'statuses', owner)
        local state = record and state_of(record, now) or status and match(status, '^%d+ (%a+)') or
          call('HEXISTS', P .. 'letters', owner) == 1 and 'failed' or 'succeeded'
        answers[i], met[i] = state, { kind, owner }
        return true
      end
    end
    local till = parts.for_ms > 0 and format('%.0f', now + parts.for_ms) or '-'
    call('HSET', P .. 'keys', parts.key, till .. ' ' .. id)
  end

  for i = first, last do
    local at = i - first + 1
    local id, queue, priority, due, text = ids[at], list[i * 5 - 3], list[i * 5 - 2], list[i * 5 - 1], list[i * 5]
    local known = fresh[id] or tasks[at]
    local parts = string.byte(text) ~= 123 and parts_of(text)
    if known then
      local record = record_of(id, known)
      answers[i] = record and state_of(record, now) or 'failed'
    elseif statuses[at] then
      answers[i] = match(statuses[at], '^%d+ (%a+)')
    elseif not parts or parts.mode == 'n' or not meet(i, parts, queue, priority, due) then
      answers[i] = ''
      local place, shelf = format('%012x', seq + at), priority .. ':' .. queue
      local task = place .. ' ' .. queue .. ' ' .. priority .. ' ' .. due .. ' ' ..
        (parts and whole(id, due, parts.rest) or text)
      fresh[id] = task
      writes[#writes + 1] = id
      writes[#writes + 1] = task
      add(places, shelf, due, place .. id)
      if parts and parts.weight > 0 then
        fair[shelf] = true
        fair[place .. id] = { key = parts.fair, member = in_line(place, parts.fair, parts.weight, id) }
      end
      queues[queue] = queues[queue] or tonumber(due) <= tonumber(now)
    end
  end
  flush()
end

-- Stores envelopes, one after the other in a list. Answers for each '' or the state of the task that was there, and
-- for those whose unique key was taken { duplicate or replaced, whose it is }.
local function intake(list, now)
  local answers, met, count = {}, {}, #list / 5
  for first = 1, count, SLICE do take_in(list, first, math.min(count, first + SLICE - 1), now, answers, met) end
  return answers, met
end
