-- What every script begins with: the books of a namespace. KEYS[1] is its prefix, such as stem:{jobs}: ; every key is
-- made of it, so that all of them live in one cluster slot. Times come as arguments and stay text.
--
--   tasks        hash    id -> "place queue priority due envelope", of live tasks and of dead letters
--   live         hash    id -> record, of live tasks that have been leased, or come back from the dead
--   errors progress replays   hashes   id -> JSON, where there is some
--   wait:P:Q     zset    waiting tasks of priority P and queue Q, by due; members are place .. id
--   retrying:Q   zset    those of them that have paid an attempt
--   leases:Q     zset    running tasks by the end of their lease, as place .. id; the plain ones of a reservation
--                        together, as * .. entry
--   running      stream  one entry for each reservation that is not over, all of one queue, pending in group "stem"
--                        with its holder: till, since, holder, tasks (ids with a space between)
--   open         hash    entry -> how many of its tasks still run; entry:plain -> how many of them are plain;
--                        entry:queue -> their queue
--   leased       hash    queue -> how many of its tasks run
--   statuses     hash    id -> "token state ended own json", own telling what the JSON itself holds (1 progress, 2 replays)
--   ended:STATE  zset    ids by the instant of their end, those of one instant and one call together with a space
--                        between. A hint: it holds for the ids whose status says the same, and is left behind by others
--   ends         hash    state -> how many statuses there are
--   dead         zset    dead letters by the instant of their death; dead:Q those of a queue
--   letters      hash    id -> "token attempts died"
--   queues paused asleep awaited   sets: names seen, paused, with a sleeping worker; ids that somebody waits for
--   workers      hash    id -> presence; workers:until zset by when it ends
--   mail:W       hash    command -> "until json" of a worker's mailbox; answers:C hash worker -> "until json"
--   seq          how many tasks were stored; the place of a task is this in 12 hex digits
--   returned     how often a task came to stand before others: one that ran came back, or one became what another brought
--   events       stream of batches, each with n, how many, and b, what; events:books hash with kept and trimmed, the
--                latest id removed; events:asleep while somebody waits for more
--   schedules and what belongs to them: see schedule-books.lua; limits: limit-books.lua; locks: lock.lua; unique keys:
--   intake.lua; groups: groups.lua; fair keys: lines.lua; notes: note.lua
--
-- A record: "token attempts notes entry place queue priority due until started cancel holder". While the task waits
-- entry is -, until 0 and holder empty. cancel is 0, 1 (abort) or 2 (terminate). notes is 1 when there may be an
-- error, progress, replays or an earlier status. A task without a record was never leased. A task is plain while it
-- runs by its first lease and nothing has been done to it: its record is the entry of its reservation and nothing
-- else, for token 1, attempts 0, notes 0 and cancel 0; the rest stands in its text and in the reservation. Whatever
-- is done to it but succeeding spells it out first.
local P = KEYS[1]
local call, concat, find, format, match, sub =
  redis.call, table.concat, string.find, string.format, string.match, string.sub
local RECORD = '^(%d+) (%d+) (%d) (%S+) (%x+) (%S+) (%d) (%S+) (%S+) (%S+) (%d) (.*)$'

local function write_record(token, attempts, notes, entry, place, queue, priority, due, till, started, cancel, holder)
  return token .. ' ' .. attempts .. ' ' .. notes .. ' ' .. entry .. ' ' .. place .. ' ' .. queue .. ' ' .. priority ..
    ' ' .. due .. ' ' .. till .. ' ' .. started .. ' ' .. cancel .. ' ' .. holder
end

local is_plain = function(record) return not find(record, ' ', 1, true) end

-- What a reservation says of all its tasks: till, since, holder, ids.
local seen = {}
local function reservation(entry)
  if not seen[entry] then
    local fields = call('XRANGE', P .. 'running', entry, entry)[1][2]
    seen[entry] = { till = fields[2], since = fields[4], holder = fields[6], tasks = fields[8] }
  end
  return seen[entry]
end

-- The record of a live task in full; nil for what is not live.
local function record_of(id, task)
  local record = call('HGET', P .. 'live', id)
  if record and not is_plain(record) then return record end
  task = task or call('HGET', P .. 'tasks', id)
  if record then
    local its, place, queue, priority, due = reservation(record), match(task, '^(%x+) (%S+) (%d) (%S+)')
    return write_record(1, 0, 0, record, place, queue, priority, due, its.till, its.since, 0, its.holder)
  end
  if not task or call('ZSCORE', P .. 'dead', id) then return nil end
  return '0 0 0 - ' .. match(task, '^%x+ %S+ %d %S+') .. ' 0 0 0 '
end

-- So many tasks of a reservation are no longer plain.
local function leave_plain(entry, count, queue)
  if call('HINCRBY', P .. 'open', entry .. ':plain', -count) > 0 then return end
  call('HDEL', P .. 'open', entry .. ':plain')
  call('ZREM', P .. 'leases:' .. queue, '*' .. entry)
end

-- The record of a live task as record_of gives it. One that was plain has a record and a lease of its own now.
local function spell_out(id)
  local record = record_of(id)
  if not record then return nil end
  local _, _, _, entry, place, queue, _, _, till = match(record, RECORD)
  if entry ~= '-' and call('HGET', P .. 'live', id) == entry then
    call('HSET', P .. 'live', id, record)
    call('ZADD', P .. 'leases:' .. queue, till, place .. id)
    leave_plain(entry, 1, queue)
  end
  return record
end

local function state_of(record, now)
  local _, attempts, _, entry, _, _, _, due = match(record, RECORD)
  if entry ~= '-' then return 'running' end
  if attempts ~= '0' then return 'retrying' end
  return tonumber(due) > tonumber(now) and 'scheduled' or 'queued'
end

-- Wakes those who sleep for a queue, telling whether something is ready; costs one look when nobody sleeps.
local function wake(queue, ready)
  if call('SREM', P .. 'asleep', queue) == 1 then call('SPUBLISH', P .. 'wake', (ready and 'r' or 'q') .. queue) end
end

local function add(lists, name, a, b)
  local list = lists[name]
  if not list then
    list = {}
    lists[name] = list
  end
  local n = #list
  list[n + 1] = a
  if b then list[n + 2] = b end
end

-- Tells those who wait for the end of these.
local function tell(ids)
  if call('EXISTS', P .. 'awaited') == 0 then return end
  local wanted = call('SMISMEMBER', P .. 'awaited', unpack(ids))
  for i = 1, #ids do
    if wanted[i] == 1 then
      call('SREM', P .. 'awaited', ids[i])
      call('SPUBLISH', P .. 'wake', 't' .. ids[i])
    end
  end
end

-- Writes statuses of ids that have none, and tells those who wait for them.
local function remember_new(ids, texts)
  if #ids == 0 then return end
  local writes, ends = {}, {}
  for i = 1, #ids do
    local id, text = ids[i], texts[i]
    writes[i * 2 - 1] = id
    writes[i * 2] = text
    add(ends, match(text, '^%d+ (%a+ %S+)'), id)
  end
  call('HSET', P .. 'statuses', unpack(writes))
  for ending, list in pairs(ends) do
    local state, ended = match(ending, '^(%a+) (%S+)')
    call('ZADD', P .. 'ended:' .. state, ended, concat(list, ' '))
    call('HINCRBY', P .. 'ends', state, #list)
  end
  tell(ids)
end

-- Writes a status: of two for one id the higher token stays, of equal tokens the later.
local function remember(id, text)
  local known = call('HGET', P .. 'statuses', id)
  if known then
    local token, state = match(known, '^(%d+) (%a+)')
    if tonumber(token) > tonumber(match(text, '^%d+')) then return end
    call('HINCRBY', P .. 'ends', state, -1)
  end
  remember_new({ id }, { text })
end

-- Opens a reservation of tasks of one queue, so many of them plain; answers its entry.
local function open_reservation(queue, ids, holder, till, now, plain)
  local entry = call('XADD', P .. 'running', '*',
    'till', till, 'since', now, 'holder', holder, 'tasks', concat(ids, ' '))
  local read = redis.pcall('XREADGROUP', 'GROUP', 'stem', holder, 'STREAMS', P .. 'running', '>')
  if read.err then
    call('XGROUP', 'CREATE', P .. 'running', 'stem', '0')
    call('XREADGROUP', 'GROUP', 'stem', holder, 'STREAMS', P .. 'running', '>')
  end
  if plain > 0 then
    call('HSET', P .. 'open', entry, #ids, entry .. ':queue', queue, entry .. ':plain', plain)
  else
    call('HSET', P .. 'open', entry, #ids, entry .. ':queue', queue)
  end
  call('HINCRBY', P .. 'leased', queue, #ids)
  return entry
end

-- So many tasks of a reservation no longer run; with the last of them it is over.
local function leave_reservation(entry, count, queue)
  if call('HINCRBY', P .. 'leased', queue, -count) <= 0 then call('HDEL', P .. 'leased', queue) end
  if call('HINCRBY', P .. 'open', entry, -count) > 0 then return end
  call('HDEL', P .. 'open', entry, entry .. ':queue')
  call('XACK', P .. 'running', 'stem', entry)
  call('XDEL', P .. 'running', entry)
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

-- How many shelves of a queue hold something: most queues have one, and a look at each of ten takes long.
local function shelves_of(queue)
  local keys = {}
  for priority = 0, 9 do keys[priority + 1] = P .. 'wait:' .. priority .. ':' .. queue end
  return call('EXISTS', unpack(keys))
end

-- When the next waiting task of a queue is or was due, or what was handed in if that is earlier.
local function next_due(queue, least)
  local shelves = shelves_of(queue)
  for priority = 9, 0, -1 do
    if shelves == 0 then break end
    local due = call('ZRANGE', P .. 'wait:' .. priority .. ':' .. queue, 0, 0, 'WITHSCORES')[2]
    if due then shelves = shelves - 1 end
    least = earlier(least, due)
  end
  return least
end
