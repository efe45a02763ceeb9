#!lua flags=allow-oom
-- Keeps leases. ARGV: end of the leases, then for each id, token, progress or ''.
-- Answers for each 0 stale, 1 held, 2 held and to be aborted, 3 held and to be terminated.
local till, answers = ARGV[1], {}
for i = 2, #ARGV, 3 do
  local id = ARGV[i]
  local record = call('HEXISTS', P .. 'live', id) == 1 and spell_out(id)
  local answer = 0
  if record then
    local token, attempts, notes, entry, place, queue, priority, due, _, started, cancel, holder = match(record, RECORD)
    if entry ~= '-' and token == ARGV[i + 1] then
      if ARGV[i + 2] ~= '' then
        call('HSET', P .. 'progress', id, ARGV[i + 2])
        notes = '1'
      end
      call('HSET', P .. 'live', id,
        write_record(token, attempts, notes, entry, place, queue, priority, due, till, started, cancel, holder))
      call('ZADD', P .. 'leases:' .. queue, till, place .. id)
      answer = 1 + cancel
    end
  end
  answers[#answers + 1] = answer
end
return answers
