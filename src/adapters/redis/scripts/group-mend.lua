#!lua flags=allow-oom
-- Sends what groups should have sent and did not. ARGV: now, ids. Answers for each 1 when there was something.
local answers = {}
for i = 2, #ARGV do answers[i - 1] = join(ARGV[i], ARGV[1]) and 1 or 0 end
return answers
