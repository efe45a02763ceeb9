#!lua flags=allow-oom
-- Takes away the lines of shelves on which nothing waits, runs or is dead, and no turns are counted. ARGV: shelves.
for _, shelf in ipairs(ARGV) do
  local queue = sub(shelf, 3)
  local held = call('EXISTS', P .. 'wait:' .. shelf, P .. 'turns:' .. shelf, P .. 'dead:' .. queue)
  if held == 0 and call('HEXISTS', P .. 'leased', queue) == 0 then
    call('SREM', P .. 'shelves', shelf)
    call('DEL', P .. 'lines:' .. shelf, P .. 'front:' .. shelf, P .. 'rested:' .. shelf)
  end
end
return #ARGV
