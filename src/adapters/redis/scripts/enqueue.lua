#!lua
-- Stores envelopes. ARGV: now, then for each id, queue, priority, due, envelope.
-- Answers pairs of index (from 0) and state, for those only that were there already.
local list = {}
for i = 2, #ARGV do list[i - 1] = ARGV[i] end
local known = {}
for i, state in ipairs(intake(list, ARGV[1])) do
  if state ~= '' then
    known[#known + 1] = i - 1
    known[#known + 1] = state
  end
end
return known
