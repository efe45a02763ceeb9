#!lua flags=allow-oom
-- Ends live tasks as cancelled, or marks them. ARGV: for each id, the record it is thought to have, and what to do:
-- 1 or 2 marks a running task (abort, terminate), anything else is the status that the task ends with.
-- Answers for each 1 done, 0 nothing done: the record is another by now.
local answers = {}
for i = 1, #ARGV, 3 do
  local id, expected, what = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local done = spell_out(id) == expected
  if done and #what == 1 then
    local token, attempts, notes, entry, place, queue, priority, due, till, started, _, holder = match(expected, RECORD)
    call('HSET', P .. 'live', id,
      write_record(token, attempts, notes, entry, place, queue, priority, due, till, started, what, holder))
  elseif done then
    erase(id, expected)
    remember(id, what)
  end
  answers[#answers + 1] = done and 1 or 0
end
return answers
