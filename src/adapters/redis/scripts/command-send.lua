#!lua flags=allow-oom
-- Puts a command into mailboxes. ARGV: id, until, how long that is, command, how many a mailbox holds, workers. An
-- older command never outlives a younger one by much: the mailbox goes as a whole when nobody empties it.
for i = 6, #ARGV do
  local mail = P .. 'mail:' .. ARGV[i]
  call('HSET', mail, ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
  local ids = call('HKEYS', mail)
  if #ids > tonumber(ARGV[5]) then
    table.sort(ids)
    for j = 1, #ids - tonumber(ARGV[5]) do call('HDEL', mail, ids[j]) end
  end
  call('PEXPIRE', mail, math.max(tonumber(ARGV[3]), 1))
  call('SPUBLISH', P .. 'wake', 'c' .. ARGV[i])
end
return #ARGV - 5
