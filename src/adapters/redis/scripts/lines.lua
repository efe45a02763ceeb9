-- Lines: which tasks of a shelf have whose turn. A shelf is a priority and a queue, written P:Q. One that holds tasks
-- with a fair key has a line for each key, and one of the name '' for tasks without. All of them stand in wait:P:Q as
-- well, which says what waits; lines only say in what order. What lines there are beside:
--
--   shelves      set     shelves that have lines
--   line:P:Q K   zset    the waiting tasks of key K by due, as place .. weight in 3 digits .. id; of '' as place .. id
--   lines:P:Q    zset    keys by when their first task is due, or earlier; those in front may be missing
--   front:P:Q    zset    keys that may have something ready, by what they have spent
--   rested:P:Q   zset    keys that are not in front by what they have spent, where that is more than the last turn had
--   turns:P:Q    what the key of the last turn had spent before it, while turns are counted
local lined, any_lined = {}, nil

-- Whether a shelf has lines; costs one look where no shelf has.
local function has_lines(shelf)
  if any_lined == nil then any_lined = call('EXISTS', P .. 'shelves') == 1 end
  if not any_lined then return false end
  if lined[shelf] == nil then lined[shelf] = call('SISMEMBER', P .. 'shelves', shelf) == 1 end
  return lined[shelf]
end

local function line_of(shelf, key) return P .. 'line:' .. shelf .. ' ' .. key end

local function in_line(place, key, weight, id)
  if key == '' then return place .. id end
  return place .. format('%03d', weight) .. id
end

-- The key and weight in a text of the hash tasks; '' where there is none, or nobody can read it.
local function turn_of(text)
  local at = find(text, '{', 1, true)
  if not at or not find(text, '"fair":', at, true) then return '', 1 end
  local read, envelope = pcall(cjson.decode, sub(text, at))
  local fair = read and type(envelope) == 'table' and envelope.fair
  if type(fair) ~= 'table' or type(fair.key) ~= 'string' then return '', 1 end
  return fair.key, tonumber(fair.weight) or 1
end

-- Begins lines on a shelf: what waits there has no key.
local function make_lines(shelf)
  if has_lines(shelf) then return end
  call('SADD', P .. 'shelves', shelf)
  lined[shelf], any_lined = true, true
  if call('COPY', P .. 'wait:' .. shelf, line_of(shelf, ''), 'REPLACE') == 0 then return end
  call('ZADD', P .. 'lines:' .. shelf, call('ZRANGE', line_of(shelf, ''), 0, 0, 'WITHSCORES')[2], '')
end

-- A task waits on a shelf that has lines, or waits for another instant.
local function join_line(shelf, key, weight, place, id, due)
  call('ZADD', line_of(shelf, key), due, in_line(place, key, weight, id))
  call('ZADD', P .. 'lines:' .. shelf, 'LT', due, key)
end

-- A task, given by its text of the hash tasks, waits again, where its shelf has lines.
local function wait_again(shelf, text, place, id, due)
  if not has_lines(shelf) then return end
  local key, weight = turn_of(text or call('HGET', P .. 'tasks', id) or '')
  join_line(shelf, key, weight, place, id, due)
end

-- A task that has not had its turn waits no longer. What its key has spent is remembered.
local function leave_line(shelf, text, place, id)
  if not has_lines(shelf) then return end
  local key, weight = turn_of(text or call('HGET', P .. 'tasks', id) or '')
  call('ZREM', line_of(shelf, key), in_line(place, key, weight, id))
  if call('EXISTS', line_of(shelf, key)) == 1 then return end
  call('ZREM', P .. 'lines:' .. shelf, key)
  local spent = call('ZSCORE', P .. 'front:' .. shelf, key)
  if not spent then return end
  call('ZREM', P .. 'front:' .. shelf, key)
  if spent ~= '0' then call('ZADD', P .. 'rested:' .. shelf, spent, key) end
end
