-- What the scripts about schedules share, behind the books of the namespace.
--
--   schedules         hash    name -> source, of all schedules
--   schedules:due     zset    names of those that may be claimed, by when; a lease hides one until it has run out
--   schedules:asleep  is there while somebody sleeps until the next is due; gone with the hint, or after an hour
--   schedule:NAME     hash    definition, cadence; next, held, failures and rest (JSON), which are the state; token;
--                             leased (0 or 1); paused (when) and why, of a paused one only
--   firings:NAME      zset    "nominal fired kind text" by nominal, the latest of them; kind is f fired, h fired by
--                             hand, s skipped; the text is the id of the task, or why it was skipped
local DUE = P .. 'schedules:due'

-- The earliest instant at which a schedule may be claimed; nil when none ever may.
local function first_due() return call('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2] end

-- Wakes those who sleep for schedules if the earliest instant is earlier than it was.
local function tell_since(before)
  local first = first_due()
  if not first or before and tonumber(first) >= tonumber(before) then return end
  if call('DEL', P .. 'schedules:asleep') == 1 then call('SPUBLISH', P .. 'wake', 's') end
end

-- From when on it may be claimed; '' is never.
local function set_due(name, at)
  if at == '' then call('ZREM', DUE, name) else call('ZADD', DUE, at, name) end
end

-- Whoever holds it holds it no more.
local function take_back(name)
  call('HINCRBY', P .. 'schedule:' .. name, 'token', 1)
  call('HSET', P .. 'schedule:' .. name, 'leased', '0')
end

-- Removes a schedule with all that is kept of it; false when there is none.
local function drop(name)
  if call('HDEL', P .. 'schedules', name) == 0 then return false end
  call('ZREM', DUE, name)
  call('DEL', P .. 'schedule:' .. name, P .. 'firings:' .. name)
  return true
end

-- Notes a firing, and that it was skipped only if nothing is known of its instant. False: the pair is there already.
local function note(name, nominal, member, skipped, most)
  local key = P .. 'firings:' .. name
  local known = call('ZRANGE', key, nominal, nominal, 'BYSCORE')[1]
  if known then
    if skipped or match(known, '^%S+ %S+ (%a)') ~= 's' then return false end
    call('ZREM', key, known)
  end
  call('ZADD', key, nominal, member)
  call('ZREMRANGEBYRANK', key, 0, -1 - most)
  return true
end

-- Gathers the envelopes of firings, and stores them so many at a time. Those whose task was there already are told in
-- `answers`, where they were added.
local function create_outbox(answers, now)
  local list, places, outbox = {}, {}, {}
  function outbox.send()
    local states, met = intake(list, now)
    for i, state in ipairs(states) do
      if state ~= '' and not (met[i] and met[i][1] == 'replaced') then answers[places[i]] = 'duplicate' end
    end
    list, places = {}, {}
  end
  -- The envelope stands in ARGV from index `at` on, as id, queue, priority, due, envelope.
  function outbox.add(place, at)
    places[#places + 1] = place
    for i = at, at + 4 do list[#list + 1] = ARGV[i] end
    if #places == 500 then outbox.send() end
  end
  return outbox
end
