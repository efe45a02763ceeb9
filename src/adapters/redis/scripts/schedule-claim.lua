#!lua flags=allow-oom
-- Leases schedules that are due. ARGV: now, end of the lease, max.
-- Answers when the next may be claimed or '', then for each name, token, definition, next, held, failures, rest.
local names = call('ZRANGE', DUE, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
local answer = { '' }
for _, name in ipairs(names) do
  local key = P .. 'schedule:' .. name
  answer[#answer + 1] = name
  answer[#answer + 1] = tostring(call('HINCRBY', key, 'token', 1))
  for _, part in ipairs(call('HMGET', key, 'definition', 'next', 'held', 'failures', 'rest')) do
    answer[#answer + 1] = part
  end
  call('HSET', key, 'leased', '1')
  set_due(name, ARGV[2])
end
answer[1] = first_due() or ''
return answer
