#!lua flags=allow-oom
-- Removes statuses. ARGV: ids.
local texts = call('HMGET', P .. 'statuses', unpack(ARGV))
for i, id in ipairs(ARGV) do
  if texts[i] and call('HDEL', P .. 'statuses', id) == 1 then
    call('HINCRBY', P .. 'ends', match(texts[i], '^%d+ (%a+)'), -1)
  end
end
return #ARGV
