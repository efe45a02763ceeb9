#!lua flags=allow-oom
-- Forgets unique keys that nobody has any more. ARGV: now, max, keys. Answers how many.
local count, max = 0, tonumber(ARGV[2])
for i = 3, #ARGV do
  local till, id = match(call('HGET', P .. 'keys', ARGV[i]) or '', '^(%S+) (.*)$')
  local held = till and till ~= '-' and tonumber(till) > tonumber(ARGV[1])
  if id and count < max and not held and not record_of(id) then
    count = count + call('HDEL', P .. 'keys', ARGV[i])
  end
end
return count
