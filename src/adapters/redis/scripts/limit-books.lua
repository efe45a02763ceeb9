-- What the scripts about limits share, behind the books of the namespace.
--
--   bucket:KEY  "next line over" of a bucket; gone some time after it is full
--   slots:KEY   zset  tasks that have a slot, by its end; holders:KEY hash, id -> token
--   line:KEY    zset  tasks that wait for a slot, by when they look again
--   Times are numbers, with parts of milliseconds in a bucket.
local DAY = 86400000

local function parts_of(list, from, size)
  return function()
    if from > #list then return nil end
    local part = { unpack(list, from, math.min(from + size - 1, #list)) }
    from = from + size
    return part
  end
end

-- Takes out the slots that have run out.
local function drop_ended(key, now)
  local gone = call('ZRANGE', P .. 'slots:' .. key, '-inf', now, 'BYSCORE')
  for part in parts_of(gone, 1, 1000) do
    call('ZREM', P .. 'slots:' .. key, unpack(part))
    call('HDEL', P .. 'holders:' .. key, unpack(part))
  end
end

local function give_slot(key, id, token, till, now)
  call('ZADD', P .. 'slots:' .. key, till, id)
  call('HSET', P .. 'holders:' .. key, id, token)
  local ms = format('%.0f', till - now + DAY)
  call('PEXPIRE', P .. 'slots:' .. key, ms)
  call('PEXPIRE', P .. 'holders:' .. key, ms)
end

-- Hands free slots to the first of the line, and adds key and id of each to the answer.
local function hand(answer, key, most, now, till, forgotten)
  drop_ended(key, now)
  call('ZREMRANGEBYSCORE', P .. 'line:' .. key, '-inf', now - forgotten)
  local room = most - call('ZCARD', P .. 'slots:' .. key)
  if room <= 0 then return end
  local first = call('ZPOPMIN', P .. 'line:' .. key, room)
  for i = 1, #first, 2 do
    give_slot(key, first[i], 0, till, now)
    answer[#answer + 1] = key
    answer[#answer + 1] = first[i]
  end
end
