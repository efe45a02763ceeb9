#!lua flags=allow-oom
-- Asks for tokens and slots, by the rule of core/task/limit.ts. ARGV: now, length of the lease, room, the rule's LEAD, LATE,
-- AHEAD, IDLE, LOOK, LOOK_APART and FORGOTTEN, how many limits, and of each key, everyMs and burst, or key, '' and most;
-- then of each ask id, token, how many limits, and their places. Answers for each an instant and the place of the
-- limit that refused it, 0 for a grant, or -1 for want of room.
local now, lease, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local LEAD, LATE, AHEAD, IDLE = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local LOOK, APART, FORGOTTEN = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local limits, at = {}, 12
for i = 1, ARGV[11] do
  local key, every, number = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local limit = { key = key, every = every, most = number, before = 0 }
  if every then
    local state = call('GET', P .. 'bucket:' .. key)
    if state then
      local next, line, over = match(state, '^(%S+) (%S+) (%S+)$')
      limit.next, limit.line, limit.over = tonumber(next), tonumber(line), tonumber(over)
    end
    limit.span = (number - 1) * every + math.min(every / 2, LATE)
    limit.idle = math.max(2 * every, IDLE)
  else
    drop_ended(key, now)
    limit.taken = call('ZCARD', P .. 'slots:' .. key)
  end
  limits[i] = limit
  at = at + 3
end

local function token_of(limit) return math.max(limit.next or 0, now - limit.span) end

local function has(limit, id) return limit.taken > 0 and call('HEXISTS', P .. 'holders:' .. limit.key, id) == 1 end

local function refuse_full(limit, place)
  local waiting = limit.waiting
  if not waiting then
    call('ZREMRANGEBYSCORE', P .. 'line:' .. limit.key, '-inf', now - FORGOTTEN)
    waiting = call('ZCARD', P .. 'line:' .. limit.key)
    limit.waiting = waiting
  end
  local apart = ((waiting + limit.before) * APART) % AHEAD
  limit.before = limit.before + 1
  return now + LOOK + apart, place
end

local function promise(limit, free, place)
  local line = limit.line or 0
  if line <= free or line > now + AHEAD then line = free end
  limit.next, limit.line, limit.over, limit.changed = limit.next or 0, line + limit.every, limit.over or 0, true
  return line, place
end

local function take(limit, id, token)
  if limit.every then
    local remembered = limit.next and limit.next >= now - limit.idle
    limit.next = token_of(limit) + limit.every
    limit.line = remembered and limit.line or 0
    limit.over = limit.next + math.max(limit.span, limit.idle)
    limit.changed = true
    return
  end
  if not has(limit, id) then limit.taken = limit.taken + 1 end
  give_slot(limit.key, id, token, now + lease, now)
  if call('ZREM', P .. 'line:' .. limit.key, id) == 1 and limit.waiting then limit.waiting = limit.waiting - 1 end
end

local function ask(id, token, count)
  for i = 1, count do
    local place = tonumber(ARGV[at + i - 1])
    local limit = limits[place]
    if not limit.every and limit.taken >= limit.most and not has(limit, id) then return refuse_full(limit, place) end
  end
  local free, last = now, nil
  for i = 1, count do
    local place = tonumber(ARGV[at + i - 1])
    if limits[place].every and token_of(limits[place]) > free then
      free, last = token_of(limits[place]), place
    end
  end
  if last and free > now + LEAD then return promise(limits[last], free, last) end
  if room < 1 then return now, -1 end
  room = room - 1
  for i = 1, count do take(limits[tonumber(ARGV[at + i - 1])], id, token) end
  return free, 0
end

local answer = {}
while at <= #ARGV do
  local id, token, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  at = at + 3
  local instant, place = ask(id, token, count)
  answer[#answer + 1] = format('%.0f', math.ceil(instant))
  answer[#answer + 1] = place
  at = at + count
end

for _, limit in ipairs(limits) do
  if limit.changed then
    local text = format('%.17g %.17g %.17g', limit.next, limit.line, limit.over)
    call('SET', P .. 'bucket:' .. limit.key, text, 'PX', format('%.0f', math.max(limit.over - now, 0) + 60000))
  end
end
return answer
