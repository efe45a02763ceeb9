#!lua flags=no-writes
-- Dead letters. ARGV: ids. Answers for each four texts, '' for none: letter, text of the hash tasks, error, replays.
local answer = {}
for _, id in ipairs(ARGV) do
  local letter = call('HGET', P .. 'letters', id) or ''
  answer[#answer + 1] = letter
  for _, key in ipairs({ 'tasks', 'errors', 'replays' }) do
    answer[#answer + 1] = letter ~= '' and call('HGET', P .. key, id) or ''
  end
end
return answer
