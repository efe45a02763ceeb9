-- Groups, and who has arrived in them.
--
--   group:ID     hash    of an open or ended group: size, tolerate, opened, definition (JSON without what it sends), body
--                        and broken (JSON, a list as intake takes it, or ''), careful (1 when one of those has a unique
--                        key); broke, complete and ended once it is so
--   arrivals:ID  hash    index -> 1 or 0, for a success or none, and JSON
--   failures:ID  set     the indices of those that are none
--   groups       zset    groups by when they were opened; groups:open those that may have something to send yet
--   groups:over  zset    ids by when the group ended, or of arrivals without a group by when the last came
local before_sending = function() end

-- Sends what the counts say is to be sent, if it was not yet. Answers whether there was something.
local function join(id, now)
  local key = P .. 'group:' .. id
  local size, tolerate, broke, complete, ended =
    unpack(call('HMGET', key, 'size', 'tolerate', 'broke', 'complete', 'ended'))
  if not size then call('ZADD', P .. 'groups:over', now, id) end
  if not size or complete then return false end
  local broken = call('SCARD', P .. 'failures:' .. id) > tonumber(tolerate)
  if not broken and call('HLEN', P .. 'arrivals:' .. id) < tonumber(size) then
    -- A failure that was made good has opened it again.
    if ended then call('ZADD', P .. 'groups:open', call('HGET', key, 'opened'), id) end
    return false
  end
  call('ZREM', P .. 'groups:open', id)
  if broken and broke then return false end
  ended = ended or now
  call('HSET', key, broken and 'broke' or 'complete', '1', 'ended', ended)
  call('ZADD', P .. 'groups:over', ended, id)
  -- What a damaged text would have sent is lost, and the settlement is not lost with it.
  local read, list = pcall(cjson.decode, call('HGET', key, broken and 'broken' or 'body') or '')
  if not read or type(list) ~= 'table' or #list == 0 then return true end
  for i = 4, #list, 5 do
    if tonumber(list[i]) < tonumber(now) then list[i] = now end
  end
  before_sending()
  intake(list, now)
  return true
end

-- Opens a group, unless it is known; counts who came before it. Takes eight arguments of a list from `at` on: id, size,
-- tolerate, opened, definition, body, broken, careful.
local function open_group(list, at, now)
  local id = list[at]
  local key = P .. 'group:' .. id
  if call('HSETNX', key, 'size', list[at + 1]) == 0 then return end
  call('HSET', key, 'tolerate', list[at + 2], 'opened', list[at + 3], 'definition', list[at + 4], 'body', list[at + 5],
    'broken', list[at + 6], 'careful', list[at + 7])
  call('ZADD', P .. 'groups', list[at + 3], id)
  call('ZADD', P .. 'groups:open', list[at + 3], id)
  call('ZREM', P .. 'groups:over', id)
  join(id, now)
end

-- Counts a member, once for each index; a success may follow a failure. Its text begins with 1 or 0.
local function arrive(id, index, text, now)
  local key, ok = P .. 'arrivals:' .. id, sub(text, 1, 1) == '1'
  if call('HSETNX', key, index, text) == 0 then
    if not ok or sub(call('HGET', key, index), 1, 1) == '1' then return end
    call('HSET', key, index, text)
    call('SREM', P .. 'failures:' .. id, index)
  elseif not ok then
    call('SADD', P .. 'failures:' .. id, index)
  end
  join(id, now)
end

-- Whether so many successes leave a group as it is, open and without a failure: then nothing is to be sent for them.
local function leaves_open(id, count)
  local size, ended = unpack(call('HMGET', P .. 'group:' .. id, 'size', 'ended'))
  return size and not ended and call('EXISTS', P .. 'failures:' .. id) == 0 and
    call('HLEN', P .. 'arrivals:' .. id) + count < tonumber(size)
end

-- Counts members that are such successes, given as index, text, and so on.
local function arrive_together(id, list)
  local key, indices, writes, seen = P .. 'arrivals:' .. id, {}, {}, {}
  for i = 1, #list, 2 do indices[#indices + 1] = list[i] end
  for i, known in ipairs(call('HMGET', key, unpack(indices))) do
    local index = indices[i]
    if not known and not seen[index] then
      seen[index] = true
      writes[#writes + 1] = index
      writes[#writes + 1] = list[i * 2]
    end
  end
  if #writes > 0 then call('HSET', key, unpack(writes)) end
end
