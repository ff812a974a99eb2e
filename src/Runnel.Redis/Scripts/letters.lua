-- Reads a page of dead letters, oldest first.
-- KEYS: the channel's
-- ARGV: now, how many to leave out at the beginning, the most to read
-- Returns {id, letter, ...}: as many as are not too large together, and one at least if there is one.
local from, most = tonumber(ARGV[2]), math.min(tonumber(ARGV[3]), BATCH)
local answer, bytes = {}, 0
for _, id in ipairs(call('ZRANGE', DEAD, from, from + most - 1)) do
  local letter = call('HGET', LETTERS, id)
  answer[#answer + 1] = id
  answer[#answer + 1] = letter
  bytes = bytes + (letter and #letter or 0)
  if bytes > MOST_BYTES then break end
end
return answer
