#!lua flags=allow-oom
-- Removes schedules with their history. ARGV: names. Answers those there were.
local gone = {}
for _, name in ipairs(ARGV) do
  if drop(name) then gone[#gone + 1] = name end
end
return gone
