-- Remembers where topics stand for as long again as their last message said: somebody listens to them, and nobody publishes.
-- KEYS: positions
-- Returns the shortest of those times (ms); 0 when none of the topics has a position that says one.
local shortest = 0
for _, position in ipairs(KEYS) do
  local life = tonumber(redis.call('HGET', position, 'life') or '')
  if life then
    redis.call('PEXPIRE', position, life)
    if shortest == 0 or life < shortest then shortest = life end
  end
end
return shortest
