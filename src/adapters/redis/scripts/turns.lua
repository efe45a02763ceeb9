-- Turns by key: who is next on a shelf that has lines.

-- What one turn costs a key of weight 1; a whole number for every weight, so that all stores count alike.
local TURN = 1000000
-- Turns of a shelf that nobody had for so long are counted no more.
local DAY = 86400000

-- Takes at most `room` ready tasks of a shelf in turns by key, as members of its wait, and writes down who has spent
-- what.
local function take_turns(shelf, room, now)
  local wait, lines, front = P .. 'wait:' .. shelf, P .. 'lines:' .. shelf, P .. 'front:' .. shelf
  local rested, turns = P .. 'rested:' .. shelf, P .. 'turns:' .. shelf
  local function is_over() return #call('ZRANGE', wait, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1) == 0 end
  if is_over() then return {} end
  local state = call('GET', turns)
  local last = tonumber(state or 0)
  local number = function(n) return format('%.0f', n) end

  -- A key with nothing ready stands behind until something may be.
  local function rest(key, spent)
    local first = call('ZRANGE', line_of(shelf, key), 0, 0, 'WITHSCORES')
    if first[1] then call('ZADD', lines, first[2], key) else call('ZREM', lines, key) end
    if spent > last then call('ZADD', rested, number(spent), key) end
  end

  -- Keys that have something ready by now come to the front. Who comes anew has spent as much as the last.
  while true do
    local keys = call('ZRANGE', lines, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)
    if #keys == 0 then break end
    local spent, fronts = call('ZMSCORE', rested, unpack(keys)), {}
    for i, key in ipairs(keys) do
      add(fronts, 1, number(math.max(last, tonumber(spent[i] or 0))), key)
    end
    call('ZADD', front, 'NX', unpack(fronts[1]))
    call('ZREM', rested, unpack(keys))
    call('ZREM', lines, unpack(keys))
  end

  -- Without turns that are counted already, all have spent the same, so that a named key is among the first two.
  local function named_key_is_ready()
    while true do
      local named
      for _, key in ipairs(call('ZRANGE', front, 0, 1)) do
        if key ~= '' then named = key end
      end
      if not named then return false end
      if #call('ZRANGE', line_of(shelf, named), '-inf', now, 'BYSCORE', 'LIMIT', 0, 1) == 1 then return true end
      local spent = tonumber(call('ZSCORE', front, named))
      call('ZREM', front, named)
      rest(named, spent)
    end
  end

  local function take_unnamed()
    local members = call('ZRANGE', wait, '-inf', now, 'BYSCORE', 'LIMIT', 0, room)
    call('ZREMRANGEBYRANK', wait, 0, #members - 1)
    call('ZREM', line_of(shelf, ''), unpack(members))
    return members
  end
  if not state and not named_key_is_ready() then return take_unnamed() end

  local hands, taken = {}, {}
  local at_once = math.ceil(room / math.max(1, call('ZCARD', front))) + 1
  while #taken < room do
    local key, spent = unpack(call('ZPOPMIN', front))
    if not key then break end
    spent = tonumber(spent)
    local hand = hands[key] or { members = {}, at = 0, taken = 0 }
    hands[key] = hand
    if hand.at == #hand.members then
      hand.members = call('ZRANGE', line_of(shelf, key), '-inf', now, 'BYSCORE', 'LIMIT', hand.taken, at_once)
      hand.at, hand.ended = 0, #hand.members < at_once
    end
    local member = hand.members[hand.at + 1]
    if member then
      hand.at, hand.taken, last = hand.at + 1, hand.taken + 1, spent
      local weight = key == '' and 1 or tonumber(sub(member, 13, 15))
      spent = spent + math.floor(TURN / weight + 0.5)
      taken[#taken + 1] = key == '' and member or sub(member, 1, 12) .. sub(member, 16)
    end
    hand.spent, hand.empty = spent, hand.ended and hand.at == #hand.members
    if not hand.empty then call('ZADD', front, number(spent), key) end
  end
  -- What stands in no line, because somebody else put it there, is not left to wait for ever.
  if #taken == 0 then return take_unnamed() end
  for key, hand in pairs(hands) do
    if hand.taken > 0 then call('ZREMRANGEBYRANK', line_of(shelf, key), 0, hand.taken - 1) end
    if hand.empty then rest(key, hand.spent) end
  end

  -- A line tells the order; whether a task waits at all says the shelf.
  local members = {}
  for i, due in ipairs(call('ZMSCORE', wait, unpack(taken))) do
    if due then members[#members + 1] = taken[i] end
  end
  call('ZREM', wait, unpack(taken))
  if is_over() then
    -- Nobody waits: all are equal again.
    for _, key in ipairs(call('ZRANGE', front, 0, -1)) do rest(key, 0) end
    call('DEL', front, rested, turns)
  else
    call('SET', turns, number(last), 'PX', DAY)
    call('ZREMRANGEBYSCORE', rested, '-inf', number(last))
    if call('EXISTS', rested) == 1 then call('PEXPIRE', rested, DAY) end
  end
  return members
end
