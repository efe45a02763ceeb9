#!lua
-- Stores definitions. ARGV: a source whose other schedules are to be removed, or ''; then for each name, source,
-- cadence, next instant or '', definition.
-- Answers for each added, changed, same, or = and the source that has the name; then the names of those removed.
local answers, named, before = {}, {}, first_due()

local function put(name, source, cadence, at, definition)
  local key = P .. 'schedule:' .. name
  local theirs = call('HGET', P .. 'schedules', name)
  if not theirs then
    call('HSET', P .. 'schedules', name, source)
    call('HSET', key, 'definition', definition, 'cadence', cadence, 'next', at, 'held', '', 'failures', '0',
      'rest', '{"runs":0,"open":[]}', 'token', '0', 'leased', '0')
    set_due(name, at)
    return 'added'
  end
  if theirs ~= source and (theirs == 'command' or source == 'command') then return '=' .. theirs end
  local known = call('HMGET', key, 'definition', 'cadence', 'paused')
  if known[1] == definition then return 'same' end
  call('HSET', P .. 'schedules', name, source)
  call('HSET', key, 'definition', definition)
  if known[2] ~= cadence then
    call('HSET', key, 'cadence', cadence, 'next', at, 'held', '')
    take_back(name)
    set_due(name, known[3] and '' or at)
  end
  return 'changed'
end

for i = 2, #ARGV, 5 do
  named[ARGV[i]] = true
  answers[#answers + 1] = put(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
if ARGV[1] ~= '' then
  local all = call('HGETALL', P .. 'schedules')
  for i = 1, #all, 2 do
    if all[i + 1] == ARGV[1] and not named[all[i]] and drop(all[i]) then answers[#answers + 1] = all[i] end
  end
end
tell_since(before)
return answers
