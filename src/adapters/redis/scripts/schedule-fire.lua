#!lua
-- Fires by hand: no lease, and the next instant stays. ARGV: now, how many firings of a schedule are kept, then for
-- each name, nominal, its member, i (its task is in another store) or e and id, queue, priority, due, envelope.
-- Answers for each fired, duplicate or missing.
local answers, most, at = {}, ARGV[2], 3
local outbox = create_outbox(answers, ARGV[1])
while at <= #ARGV do
  local name, kind, place = ARGV[at], ARGV[at + 3], #answers + 1
  if call('HEXISTS', P .. 'schedules', name) == 0 then
    answers[place] = 'missing'
  elseif not note(name, ARGV[at + 1], ARGV[at + 2], false, most) then
    answers[place] = 'duplicate'
  else
    answers[place] = 'fired'
    if kind == 'e' then outbox.add(place, at + 4) end
  end
  at = at + (kind == 'e' and 9 or 4)
end
outbox.send()
return answers
