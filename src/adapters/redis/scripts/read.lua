#!lua flags=no-writes
-- What is known of tasks. ARGV: ids. Answers for each six texts, '' for none: record, envelope, error, progress,
-- replays, and of a task that is not live the state it has ended in.
local answer = {}
for _, id in ipairs(ARGV) do
  local record = call('HGET', P .. 'live', id) or ''
  local parts = { record, '', '', '', '', '' }
  if record ~= '' then
    for i, key in ipairs({ 'tasks', 'errors', 'progress', 'replays' }) do parts[i + 1] = call('HGET', P .. key, id) or '' end
  else
    local status = call('HGET', P .. 'statuses', id)
    if status then
      parts[6] = match(status, '^%d+ (%a+)')
    elseif call('ZSCORE', P .. 'dead', id) then
      parts[6] = 'failed'
    end
  end
  for i = 1, 6 do answer[#answer + 1] = parts[i] end
end
return answer
