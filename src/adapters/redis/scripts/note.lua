#!lua flags=allow-oom
-- Keeps a note of a running task, unless there is one of its name. ARGV: now, id, token, name, value.
-- Answers 1, or 0 when the token is no longer the one.
--
--   notes:ID     hash    name -> value
--   noted        zset    "id name" by when it was kept
local now, id, token, name, value = unpack(ARGV)
local record = call('HGET', P .. 'live', id)
if not record then return 0 end
local held, entry = '1', record
if not is_plain(record) then held, entry = match(record, '^(%d+) %d+ %d (%S+)') end
if held ~= token or entry == '-' then return 0 end
if call('HSETNX', P .. 'notes:' .. id, name, value) == 1 then call('ZADD', P .. 'noted', now, id .. ' ' .. name) end
return 1
