#!lua flags=allow-oom
-- Buries a task whose envelope can not be read. ARGV: now, id, token, error, status, and the group, index and text of
-- its absence, or '', '' and ''. Answers 1, or 0 when the token is no longer the one.
local now, id, token, error, status, group, index, absence = unpack(ARGV)
local record = call('HEXISTS', P .. 'live', id) == 1 and spell_out(id)
if not record then return 0 end
local held, attempts = match(record, '^(%d+) (%d+)')
if held ~= token then return 0 end
inter(id, record, attempts, error, now)
remember(id, status)
if group ~= '' then arrive(group, index, absence, now) end
return 1
