#!lua flags=allow-oom
-- Writes statuses. ARGV: for each id, "token state ended own json".
local ids, texts = {}, {}
for i = 1, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
  texts[#texts + 1] = ARGV[i + 1]
end
remember(ids, texts)
return #ids
