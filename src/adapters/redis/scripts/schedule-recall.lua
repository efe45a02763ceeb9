#!lua flags=allow-oom
-- Makes schedules due at once, and takes them from whoever holds them. ARGV: now, and the names.
-- Those that are paused or not there stay as they are. Answers nothing.
local before = first_due()
for at = 2, #ARGV do
  local name = ARGV[at]
  local known = call('HMGET', P .. 'schedule:' .. name, 'token', 'paused')
  if known[1] and not known[2] then
    take_back(name)
    set_due(name, ARGV[1])
  end
end
tell_since(before)
return {}
