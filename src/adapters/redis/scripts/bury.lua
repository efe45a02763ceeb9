#!lua flags=allow-oom
-- Buries a task whose envelope can not be read. ARGV: now, id, token, error, status.
-- Answers 1, or 0 when the token is no longer the one.
local now, id, token, error, status = unpack(ARGV)
local record = call('HEXISTS', P .. 'live', id) == 1 and spell_out(id)
if not record then return 0 end
local held, attempts = match(record, '^(%d+) (%d+)')
if held ~= token then return 0 end
inter(id, record, attempts, error, now)
remember(id, status)
return 1
