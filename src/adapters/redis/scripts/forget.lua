#!lua flags=allow-oom
-- Removes statuses. ARGV: ids.
call('HDEL', P .. 'statuses', unpack(ARGV))
for _, state in ipairs({ 'succeeded', 'failed', 'cancelled', 'expired' }) do
  call('ZREM', P .. 'ended:' .. state, unpack(ARGV))
end
return #ARGV
