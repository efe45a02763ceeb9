#!lua
-- Stores envelopes, then opens groups. ARGV: now, how many envelopes, of each id, queue, priority, due, text; then for
-- each group eight arguments as open_group takes them.
-- Answers index (from 0), duplicate or replaced, whose it is, and state, for those only that were not stored.
local now, list, known = ARGV[1], {}, {}
local last = 2 + ARGV[2] * 5
for i = 3, last do list[i - 2] = ARGV[i] end
local states, met = intake(list, now)
for i, state in ipairs(states) do
  if state ~= '' then
    local kind, id = unpack(met[i] or { 'duplicate', list[i * 5 - 4] })
    for _, part in ipairs({ i - 1, kind, id, state }) do known[#known + 1] = part end
  end
end
for at = last + 1, #ARGV, 8 do open_group(ARGV, at, now) end
return known
