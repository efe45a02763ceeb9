#!lua flags=allow-oom
-- Ends live tasks as cancelled, or marks them. ARGV: now, then for each id, the record it is thought to have, its
-- envelope if that could change while the record does not, else '', and what to do:
-- 1 or 2 marks a running task (abort, terminate), anything else is the status that the task ends with. With that its
-- unique key or '', and the group, index and text of its absence, or '', '' and ''.
-- Answers for each 1 done, 0 nothing done: the task is another by now.
local now, answers = ARGV[1], {}

local function is_as_thought(id, record, envelope)
  if spell_out(id) ~= record then return false end
  if envelope == '' then return true end
  return sub(call('HGET', P .. 'tasks', id), -#envelope) == envelope
end

for i = 2, #ARGV, 8 do
  local id, expected, envelope, what, unique, group, index, absence = unpack(ARGV, i, i + 7)
  local done = is_as_thought(id, expected, envelope)
  if done and #what == 1 then
    local token, attempts, notes, entry, place, queue, priority, due, till, started, _, holder = match(expected, RECORD)
    call('HSET', P .. 'live', id,
      write_record(token, attempts, notes, entry, place, queue, priority, due, till, started, what, holder))
  elseif done then
    erase(id, expected)
    remember(id, what)
    if unique ~= '' then set_free(unique, id) end
    if group ~= '' then arrive(group, index, absence, now) end
  end
  answers[#answers + 1] = done and 1 or 0
end
return answers
