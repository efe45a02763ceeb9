#!lua flags=no-writes
-- What is known of tasks. ARGV: ids. Answers for each six texts, '' for none: record, text of the hash tasks, error,
-- progress, replays, and of a task that is not live the state it has ended in.
local answer = {}
for _, id in ipairs(ARGV) do
  local task = call('HGET', P .. 'tasks', id)
  local record = task and record_of(id, task)
  local parts = { record or '', task or '', '', '', '', '' }
  if record then
    for i, key in ipairs({ 'errors', 'progress', 'replays' }) do parts[i + 2] = call('HGET', P .. key, id) or '' end
  else
    local status = call('HGET', P .. 'statuses', id)
    parts[6] = status and match(status, '^%d+ (%a+)') or task and 'failed' or ''
  end
  for i = 1, 6 do answer[#answer + 1] = parts[i] end
end
return answer
