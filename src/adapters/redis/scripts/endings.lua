-- How live tasks end, and waiting ones go.

-- Takes a live task that is not plain out of the books, its envelope and its notes excepted.
local function unlist(id, record)
  local _, attempts, _, entry, place, queue, priority = match(record, RECORD)
  call('HDEL', P .. 'live', id)
  if entry ~= '-' then
    call('ZREM', P .. 'leases:' .. queue, place .. id)
    leave_reservation(entry, 1, queue)
  else
    local shelf = priority .. ':' .. queue
    call('ZREM', P .. 'wait:' .. shelf, place .. id)
    leave_line(shelf, nil, place, id)
    if attempts ~= '0' then call('ZREM', P .. 'retrying:' .. queue, place .. id) end
  end
end

-- Takes a live task out of the books with all that is kept of it.
local function erase(id, record)
  unlist(id, record)
  for _, key in ipairs({ 'tasks', 'errors', 'progress', 'replays' }) do call('HDEL', P .. key, id) end
end

-- Makes a live task a dead letter that died of `error`.
local function inter(id, record, attempts, error, died)
  local token, _, _, _, _, queue = match(record, RECORD)
  unlist(id, record)
  call('HDEL', P .. 'progress', id)
  call('HSET', P .. 'errors', id, error)
  call('HSET', P .. 'letters', id, token .. ' ' .. attempts .. ' ' .. died)
  call('ZADD', P .. 'dead', died, id)
  call('ZADD', P .. 'dead:' .. queue, died, id)
end
