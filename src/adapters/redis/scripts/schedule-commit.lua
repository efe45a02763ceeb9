#!lua
-- Lands turns: the firings with their tasks, the state, the lease closed. ARGV: now, how many firings of a schedule
-- are kept, then for each turn name, token, next, held, failures, rest, when it may be claimed again or '', 1 and why
-- if it is paused or 0 and '', how many firings follow, and of each nominal, its member, its kind (see below).
--   s  skipped      i  its task is in another store      e  and id, queue, priority, due, envelope
-- Answers for each turn stale, or committed and for each of its firings fired, duplicate or skipped.
local now, most = ARGV[1], ARGV[2]
local answers, before = {}, first_due()
local outbox = create_outbox(answers, now)
local WIDTH = { s = 3, i = 3, e = 8 }

local function close(name, at)
  local key = P .. 'schedule:' .. name
  call('HSET', key, 'next', ARGV[at + 2], 'held', ARGV[at + 3], 'failures', ARGV[at + 4], 'rest', ARGV[at + 5],
    'leased', '0')
  if ARGV[at + 7] == '1' then call('HSET', key, 'paused', now, 'why', ARGV[at + 8]) end
  set_due(name, ARGV[at + 7] == '1' and '' or ARGV[at + 6])
end

local at = 3
while at <= #ARGV do
  local name, count = ARGV[at], tonumber(ARGV[at + 9])
  local known = call('HMGET', P .. 'schedule:' .. name, 'token', 'leased')
  local held = known[1] == ARGV[at + 1] and known[2] == '1'
  if held then close(name, at) end
  answers[#answers + 1] = held and 'committed' or 'stale'
  at = at + 10
  for _ = 1, count do
    local kind = ARGV[at + 2]
    if held then
      local place = #answers + 1
      if not note(name, ARGV[at], ARGV[at + 1], kind == 's', most) then
        answers[place] = 'duplicate'
      else
        answers[place] = kind == 's' and 'skipped' or 'fired'
        if kind == 'e' then outbox.add(place, at + 3) end
      end
    end
    at = at + WIDTH[kind]
  end
end
outbox.send()
tell_since(before)
return answers
