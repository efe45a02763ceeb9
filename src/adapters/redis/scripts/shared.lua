-- What every script begins with. KEYS[1] is the namespace's prefix, such as stem:{jobs}: ; every key is made of it,
-- so that all of them live in one cluster slot. Times come as arguments and stay text.
--
--   tasks        hash    id -> envelope, of live tasks and of dead letters
--   live         hash    id -> record, of tasks that wait or run
--   errors progress replays   hashes   id -> JSON, where there is some
--   wait:P:Q     zset    waiting tasks of priority P and queue Q, by due; members are place .. id
--   retrying:Q   zset    those of them that have paid an attempt
--   leases:Q     zset    running tasks by the end of their lease
--   running:Q    stream  one entry for each running task, pending in group "stem" with its holder
--   statuses     hash    id -> "token state ended own json", own telling what the JSON itself holds (1 progress, 2 replays)
--   ended:STATE  zset    ids by the instant of their end
--   dead         zset    dead letters by the instant of their death; dead:Q those of a queue
--   letters      hash    id -> "token attempts priority died queue"
--   queues paused asleep awaited   sets: names seen, paused, with a sleeping worker; ids that somebody waits for
--   seq          how many tasks were stored; the place of a task is this in 12 hex digits
--
-- A record: "place priority token attempts due until started cancel notes entry queue holder", until 0 while it
-- waits, cancel 0, 1 (abort) or 2 (terminate), notes 1 when errors, progress or replays hold something.
local P = KEYS[1]
local call, format, match, sub = redis.call, string.format, string.match, string.sub
local RECORD = '^(%x+) (%d) (%d+) (%d+) (%S+) (%S+) (%S+) (%d) (%d) (%S+) (%S+) (.*)$'

local function write_record(place, priority, token, attempts, due, till, started, cancel, notes, entry, queue, holder)
  return place .. ' ' .. priority .. ' ' .. token .. ' ' .. attempts .. ' ' .. due .. ' ' .. till .. ' ' .. started ..
    ' ' .. cancel .. ' ' .. notes .. ' ' .. entry .. ' ' .. queue .. ' ' .. holder
end

local function state_of(record, now)
  local _, _, _, attempts, due, till = match(record, RECORD)
  if till ~= '0' then return 'running' end
  if attempts ~= '0' then return 'retrying' end
  return tonumber(due) > tonumber(now) and 'scheduled' or 'queued'
end

-- Wakes those who sleep for a queue; costs one look when nobody does.
local function wake(queue)
  if call('SREM', P .. 'asleep', queue) == 1 then call('SPUBLISH', P .. 'wake', 'q' .. queue) end
end

-- Writes statuses: of two for one id the higher token stays, of equal tokens the later.
local function remember(ids, texts)
  if #ids == 0 then return end
  local known = call('HMGET', P .. 'statuses', unpack(ids))
  local writes, ends, seen, later_ids, later_texts = {}, {}, {}, {}, {}
  for i = 1, #ids do
    local id, text = ids[i], texts[i]
    if seen[id] then
      later_ids[#later_ids + 1] = id
      later_texts[#later_texts + 1] = text
    else
      seen[id] = true
      local token, state, ended = match(text, '^(%d+) (%a+) (%S+) ')
      local old_token, old_state
      if known[i] then old_token, old_state = match(known[i], '^(%d+) (%a+) ') end
      if not old_token or tonumber(old_token) <= tonumber(token) then
        if old_state and old_state ~= state then call('ZREM', P .. 'ended:' .. old_state, id) end
        writes[#writes + 1] = id
        writes[#writes + 1] = text
        local list = ends[state]
        if not list then
          list = {}
          ends[state] = list
        end
        list[#list + 1] = ended
        list[#list + 1] = id
      end
    end
  end
  if #writes > 0 then call('HSET', P .. 'statuses', unpack(writes)) end
  for state, list in pairs(ends) do call('ZADD', P .. 'ended:' .. state, unpack(list)) end
  if call('EXISTS', P .. 'awaited') == 1 then
    local wanted = call('SMISMEMBER', P .. 'awaited', unpack(ids))
    for i = 1, #ids do
      if wanted[i] == 1 then
        call('SREM', P .. 'awaited', ids[i])
        call('SPUBLISH', P .. 'wake', 't' .. ids[i])
      end
    end
  end
  remember(later_ids, later_texts)
end

-- Stores envelopes, given as id, queue, priority, due, envelope, and so on. Answers for each '' or the state of the
-- task that was there.
local function intake(list, now)
  local n = #list / 5
  if n == 0 then return {} end
  local ids, answers = {}, {}
  for i = 1, n do ids[i] = list[i * 5 - 4] end
  local records = call('HMGET', P .. 'live', unpack(ids))
  local statuses = call('HMGET', P .. 'statuses', unpack(ids))
  local deaths = call('ZMSCORE', P .. 'dead', unpack(ids))
  local seq = call('INCRBY', P .. 'seq', n) - n
  local lives, envelopes, places, queues, fresh = {}, {}, {}, {}, {}
  for i = 1, n do
    local id, queue, priority, due = ids[i], list[i * 5 - 3], list[i * 5 - 2], list[i * 5 - 1]
    local record = records[i] or fresh[id]
    if record then
      answers[i] = state_of(record, now)
    elseif statuses[i] then
      answers[i] = match(statuses[i], '^%d+ (%a+)')
    elseif deaths[i] then
      answers[i] = 'failed'
    else
      answers[i] = ''
      local place = format('%012x', seq + i)
      record = place .. ' ' .. priority .. ' 0 0 ' .. due .. ' 0 0 0 0 - ' .. queue .. ' '
      fresh[id] = record
      lives[#lives + 1] = id
      lives[#lives + 1] = record
      envelopes[#envelopes + 1] = id
      envelopes[#envelopes + 1] = list[i * 5]
      local key = P .. 'wait:' .. priority .. ':' .. queue
      local waiting = places[key]
      if not waiting then
        waiting = {}
        places[key] = waiting
        queues[queue] = true
      end
      waiting[#waiting + 1] = due
      waiting[#waiting + 1] = place .. id
    end
  end
  if #lives > 0 then
    call('HSET', P .. 'tasks', unpack(envelopes))
    call('HSET', P .. 'live', unpack(lives))
    for key, waiting in pairs(places) do call('ZADD', key, unpack(waiting)) end
    for queue in pairs(queues) do
      call('SADD', P .. 'queues', queue)
      wake(queue)
    end
  end
  return answers
end

-- Takes a task's lease out of the books.
local function close_lease(id, place, queue, entry)
  call('ZREM', P .. 'leases:' .. queue, place .. id)
  call('XACK', P .. 'running:' .. queue, 'stem', entry)
  call('XDEL', P .. 'running:' .. queue, entry)
end

-- Takes a live task out of the books, its envelope and its notes excepted.
local function unlist(id, record)
  local place, priority, _, attempts, _, till, _, _, _, entry, queue = match(record, RECORD)
  call('HDEL', P .. 'live', id)
  if till ~= '0' then
    close_lease(id, place, queue, entry)
  else
    call('ZREM', P .. 'wait:' .. priority .. ':' .. queue, place .. id)
    if attempts ~= '0' then call('ZREM', P .. 'retrying:' .. queue, place .. id) end
  end
end

-- Takes a live task out of the books with all that is kept of it.
local function erase(id, record)
  unlist(id, record)
  call('HDEL', P .. 'tasks', id)
  call('HDEL', P .. 'errors', id)
  call('HDEL', P .. 'progress', id)
  call('HDEL', P .. 'replays', id)
end

-- Makes a live task a dead letter that died of `error`.
local function inter(id, record, attempts, error, died)
  local _, priority, token, _, _, _, _, _, _, _, queue = match(record, RECORD)
  unlist(id, record)
  call('HDEL', P .. 'progress', id)
  call('HSET', P .. 'errors', id, error)
  call('HSET', P .. 'letters', id, format('%s %s %s %s %s', token, attempts, priority, died, queue))
  call('ZADD', P .. 'dead', died, id)
  call('ZADD', P .. 'dead:' .. queue, died, id)
  call('SADD', P .. 'queues', queue)
end

-- The queues of ARGV from index `first` on that are not paused.
local function open_queues(first)
  local open = {}
  if #ARGV < first then return open end
  local names = {}
  for i = first, #ARGV do names[#names + 1] = ARGV[i] end
  local paused = call('SMISMEMBER', P .. 'paused', unpack(names))
  for i = 1, #names do
    if paused[i] == 0 then open[#open + 1] = names[i] end
  end
  return open
end

-- The earliest of two instants, as text; '' is none.
local function earlier(a, b)
  if not b then return a end
  if a == '' or tonumber(b) < tonumber(a) then return b end
  return a
end

-- When the next waiting task of a queue is or was due, or what was handed in if that is earlier.
local function next_due(queue, least)
  for priority = 0, 9 do
    local first = call('ZRANGE', P .. 'wait:' .. priority .. ':' .. queue, 0, 0, 'WITHSCORES')
    least = earlier(least, first[2])
  end
  return least
end
