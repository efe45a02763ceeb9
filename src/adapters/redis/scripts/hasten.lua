#!lua flags=allow-oom
-- Makes waiting tasks due now. ARGV: now, ids. Answers for each 1 when it was to be due later.
local now, answers = ARGV[1], {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local record, answer = record_of(id), 0
  if record then
    local token, attempts, notes, entry, place, queue, priority, due, till, started, cancel, holder =
      match(record, RECORD)
    if entry == '-' and tonumber(due) > tonumber(now) then
      call('HSET', P .. 'live', id,
        write_record(token, attempts, notes, entry, place, queue, priority, now, till, started, cancel, holder))
      call('ZADD', P .. 'wait:' .. priority .. ':' .. queue, now, place .. id)
      wait_again(priority .. ':' .. queue, nil, place, id, now)
      if attempts ~= '0' then call('ZADD', P .. 'retrying:' .. queue, now, place .. id) end
      wake(queue, true)
      answer = 1
    end
  end
  answers[#answers + 1] = answer
end
return answers
