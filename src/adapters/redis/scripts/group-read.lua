#!lua flags=no-writes
-- Groups. ARGV: ids. Answers for each definition, body, broken, tolerate, size, ended, how many have arrived, and how
-- many of them failed; '' for definition where there is none, and '' for ended where it is not.
local answer = {}
for _, id in ipairs(ARGV) do
  local parts = call('HMGET', P .. 'group:' .. id, 'definition', 'body', 'broken', 'tolerate', 'size', 'ended')
  for i = 1, 6 do answer[#answer + 1] = parts[i] or '' end
  answer[#answer + 1] = call('HLEN', P .. 'arrivals:' .. id)
  answer[#answer + 1] = call('SCARD', P .. 'failures:' .. id)
end
return answer
