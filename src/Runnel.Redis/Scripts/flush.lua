-- Deletes all that a channel holds, what workers have in their hands included; the workers stay.
-- KEYS: the channel's, then the deduplication ids seen
-- ARGV: now
-- Returns 1 if there is more to delete: a channel of very many keys is emptied a part at a time.
local function drop(_, _, entry) advance(lane_of(entry)) end

if call('SCARD', BUSY) > BATCH then
  for _, id in ipairs(call('HRANDFIELD', MESSAGES, BATCH)) do take_out(id, call('HGET', MESSAGES, id)) end
  clear_line()
  for _, worker in ipairs(call('ZRANGE', WORKERS, 0, -1)) do
    if not take_claims(worker, drop) then break end
  end
  return 1
end
for _, worker in ipairs(call('ZRANGE', WORKERS, 0, -1)) do call('UNLINK', CLAIMS .. worker) end
for _, lane in ipairs(call('SMEMBERS', BUSY)) do call('UNLINK', LANE .. lane) end
call('UNLINK', MESSAGES, READY, GONE, RETURNED, DELAYED, EXPIRIES, BUSY, DEAD, LETTERS, BELL, ORDER, KEYS[15])
return 0
