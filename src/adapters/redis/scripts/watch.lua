#!lua flags=allow-oom
-- Statuses for those who wait for them. ARGV: ids. Answers each status or ''. The ids without one are marked: their
-- end is published. Marks that nobody renews for an hour are forgotten.
local statuses = call('HMGET', P .. 'statuses', unpack(ARGV))
local missing = {}
for i = 1, #ARGV do
  if not statuses[i] then
    missing[#missing + 1] = ARGV[i]
    statuses[i] = ''
  end
end
if #missing > 0 then
  call('SADD', P .. 'awaited', unpack(missing))
  call('PEXPIRE', P .. 'awaited', 3600000)
end
return statuses
